"""Parser: the words of the command line, and one flag for each setting."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NoReturn, get_args, get_origin

from dify_aws.cli.commands import commands
from dify_aws.cli.given import flag_of
from dify_aws.cli.invocation import Command
from dify_aws.cli.suggestions import did_you_mean
from dify_aws.errors import DifyAwsError
from dify_aws.settings import Settings
from dify_aws.settings.descriptions import descriptions

SECRET: Final = ("env",)
"""Settings that have no flag: everybody on a machine can read what a command was started with."""

PLACE: Final = "setting "
"""Before the name of a setting among what was parsed, so that no other word of a command meets it."""


class UsageError(DifyAwsError):
    """The command line cannot be understood."""


class Parser(argparse.ArgumentParser):
    """As argparse has it, but what is wrong is an error of ours: status 2 would say that there are changes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})
        self.commands: dict[str, Parser] = {}

    def error(self, message: str) -> NoReturn:
        """Report what is wrong, and how to use it."""
        if found := re.match(r"argument COMMAND: invalid choice: '([^']*)'", message):
            message = f"there is no command {found[1]!r}.{did_you_mean(found[1], self.commands)}"
        raise UsageError(f"{message}\n{self.format_usage().strip()}\n{self.prog} --help tells more.")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an unknown flag is answered with the one that was probably meant."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            command = self.commands.get(getattr(getattr(options, "command", None), "name", ""), self)
            command.error(_unknown(unknown, command._option_string_actions))
        return options


def _unknown(words: Sequence[str], known: Iterable[str]) -> str:
    """What is not known, without values, which may be secrets."""
    names = [word.partition("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)]
    known = [flag for flag in known if flag.startswith("--")]
    message = "unrecognized arguments: " + (" ".join(names) or "a word too many")
    message += "".join(dict.fromkeys(did_you_mean(name, known) for name in names))
    if any(flag_of(name) in names for name in SECRET):
        message += (
            f"\n{', '.join(map(flag_of, SECRET))} is no flag, because everybody on a machine can read what a command "
            "was started with: write [env] in the file, or set DIFY_AWS_ENV."
        )
    return message


def parser(known: Iterable[Command] | None = None) -> Parser:
    """The parser of the whole command line.

    Args:
        known: the commands; all of them by default.
    """
    top = Parser(prog="dify-aws", description="Dify on AWS: plan, deploy, look after, destroy.")
    top.add_argument("--version", action="version", version=f"dify-aws {installed()}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands() if known is None else known:
        # Written for people: a per cent sign is none of argparse's.
        summary = command.summary.replace("%", "%%")
        words = ["[OPTION]...", "[SETTING]..."] if command.has_settings else ["[OPTION]..."]
        usage = " ".join(filter(None, (top.prog, command.name, *words, command.operand)))
        one = subparsers.add_parser(command.name, help=summary, description=summary, usage=usage)
        top.commands[command.name] = one
        command.arguments(one)
        _add_shared(one, command)
        one.set_defaults(command=command)
    return top


def installed() -> str:
    """The version of dify-aws that is installed; "unknown" in a source tree."""
    try:
        return version("dify-aws")
    except PackageNotFoundError:
        return "unknown"


def flags(options: Mapping[str, Any]) -> dict[str, str]:
    """The settings among what was parsed, as text."""
    found = {name.removeprefix(PLACE): value for name, value in options.items() if name.startswith(PLACE)}
    return {name: {True: "yes", False: "no"}.get(value, value) for name, value in found.items()}


def _add_shared(parser: Parser, command: Command) -> None:
    form = parser.add_mutually_exclusive_group()
    for name in ("json", "markdown"):
        shown = f"the result as {'JSON' if name == 'json' else 'Markdown'}, on stdout"
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name, default="text", help=shown)
    if not command.has_settings:
        parser.set_defaults(settings=None, aws_profile=None, offline=False)
        return
    parser.add_argument(
        "--settings",
        metavar="FILE",
        help="a TOML file; by default settings/ENVIRONMENT.toml, else settings.toml, if there is one",
    )
    parser.add_argument(
        "--aws-profile",
        metavar="NAME",
        help="a profile of ~/.aws/config, for the credentials; by default AWS_PROFILE (--profile is what Dify runs)",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="a rehearsal without an account: in the world that `dify-aws offline` opened; else in an empty one, which "
        "is deleted at the end",
    )
    group = parser.add_argument_group(
        "settings", "Each is also a variable (DIFY_AWS_VPC_CIDR) and a line of the file; the flag counts most."
    )
    meanings = descriptions()
    for setting in fields(Settings):
        if setting.name in SECRET:
            continue
        kind = get_args(setting.type)[0]
        yes_or_no: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        group.add_argument(
            flag_of(setting.name),
            dest=PLACE + setting.name,
            default=argparse.SUPPRESS,
            help=" ".join(f"{meanings.get(setting.name, '')} {_default(setting)}".replace("``", "").split()).replace(
                "%", "%%"
            ),
            **(yes_or_no if kind is bool else {"metavar": _kind(kind)}),
        )


def _default(setting: Field[Any]) -> str:
    """The default, as it would be typed; nothing where there is none, or None means what the help says."""
    value = setting.default
    if value is MISSING or value is None:
        return ""
    text = {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else None
    text = text or (",".join(map(str, value)) if isinstance(value, tuple) else str(value))
    return f"(default: {text})" if text else ""


def _kind(kind: object) -> str:
    if kind is int or int in get_args(kind):
        return "NUMBER"
    if kind == tuple[str, ...]:
        return "ONE,TWO"
    return "KEY=VALUE,…" if get_origin(kind) is Mapping else "TEXT"
