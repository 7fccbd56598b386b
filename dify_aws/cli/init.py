"""Init: asks five questions, writes settings.toml, and shows what it will cost."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dify_aws.cli.given import FILE
from dify_aws.cli.invocation import Command, Invocation
from dify_aws.errors import DifyAwsError, SettingsError
from dify_aws.operations.cost.bill import Use
from dify_aws.operations.cost.savings import estimate_settings
from dify_aws.operations.run.command_line import SUCCESS
from dify_aws.prices.sheet import PriceSheet
from dify_aws.regions import partition_of
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account

ANY_ACCOUNT: Final = "000000000000"
"""What it costs does not depend on the account."""


@dataclass(frozen=True)
class Question:
    """One question, and the setting that its answer is.

    Args:
        setting: its name.
        text: as a person is asked.
        default: what counts if nothing is typed; "" is no value.
    """

    setting: str
    text: str
    default: str = ""


QUESTIONS: Final = (
    Question("environment", "Name of the environment, such as dev or prod", "dev"),
    Question("region", "AWS region", "ap-northeast-1"),
    Question("admin_email", "Mail address of the admin of Dify (empty: the first visitor becomes the admin)"),
    Question("domain", "Domain for HTTPS, such as dify.example.com (empty: HTTP without a domain)"),
    Question("web_cidrs", "Networks that may open Dify, with commas between them", "0.0.0.0/0"),
)
FIXED: Final[Mapping[str, object]] = {"nat_gateway": False}
"""Written without a question: nothing uses a NAT gateway, and it costs more than the machine."""


def _init(invocation: Invocation) -> int:
    path = Path(invocation.options["path"])
    if path.exists():
        raise DifyAwsError(f"{path} is there already: edit it, or name another file.")
    answers: dict[str, object] = {}
    for question in QUESTIONS:
        while True:
            typed = invocation.terminal.ask(f"{question.text}{f' [{question.default}]' if question.default else ''}: ")
            if typed is None:
                raise DifyAwsError("the input ended before all questions were answered, and nothing was written.")
            value = _value(question, typed or question.default)
            given = {**answers, **({} if value is None else {question.setting: value})}
            if question.setting == "domain" and value is not None and "admin_email" in answers:
                given["email"] = answers["admin_email"]
            try:
                settings = Settings(**{"environment": "dev", **FIXED, **given})  # type: ignore[arg-type]
            except SettingsError as error:
                invocation.say(str(error))
                continue
            answers = given
            break
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_toml({**answers, **FIXED}))
    except OSError as error:
        raise DifyAwsError(f"{path} cannot be written: {error.strerror}") from error
    account = Account(ANY_ACCOUNT, partition_of(settings.region), settings.region)
    invocation.show(estimate_settings(settings, account, PriceSheet.shipped(), Use()))
    used = "" if path == Path(FILE) else f" --settings {path}"
    invocation.say(
        f"{path} is written; docs/settings.md lists all settings. Next: dify-aws deploy{used} --offline, a rehearsal "
        f"without an account; then dify-aws plan{used} and dify-aws deploy{used}."
    )
    return SUCCESS


def _value(question: Question, text: str) -> object:
    if question.setting == "web_cidrs":
        return [each.strip() for each in text.split(",") if each.strip()]
    return text or None


def _toml(values: Mapping[str, object]) -> str:
    # A text or a list of texts in JSON is the same in TOML.
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", default=FILE, metavar="FILE", help=f"the new file (default: {FILE})")


INIT: Final = Command(
    "init",
    "ask five questions, write settings.toml, and show what it will cost",
    _init,
    _arguments,
    "[FILE]",
    has_settings=False,
)
