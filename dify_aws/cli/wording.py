"""Wording: messages of the library, which name methods and settings of Python, in the words of the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import fields
from typing import Final

from dify_aws.cli.given import flag_of
from dify_aws.operations.run.verb import Verb
from dify_aws.settings import Settings

VALUE: Final = r"\"[^\"\n]*\"|True|False|\d+(?![\w.])"
ARGUMENT: Final = re.compile(rf"(?:(\w+)=)?({VALUE}|…)")
NOT_IN_A_NAME: Final = r"(?<![\w.`\-])"


class Wording:
    """Translates ``destroy(delete_data=True)`` to ``dify-aws destroy --delete-data``, and settings to their flags.

    Args:
        verbs: the methods that are commands.
    """

    def __init__(self, verbs: Iterable[Verb]) -> None:
        self._commands = {verb.name: verb.command for verb in verbs}
        names = "|".join(sorted(self._commands, key=len, reverse=True))
        arguments = rf"((?:(?:\w+=)?(?:{VALUE}|…)(?:, )?)*)"
        self._call = re.compile(rf"(?<![\w`\-])(?:[dD]eployment\.)?(?<![\w.])({names})\({arguments}\)")
        options = {"delete_data", "open_access", "dry_run", "live", *(setting.name for setting in fields(Settings))}
        self._setting = re.compile(rf"{NOT_IN_A_NAME}({'|'.join(sorted(options))})=({VALUE})")

    def __call__(self, text: str) -> str:
        """The text for a person at a command line.

        Args:
            text: a message of the library.
        """
        text = self._call.sub(self._command, text)
        return self._setting.sub(lambda found: _option(found[1], found[2]), text)

    def _command(self, found: re.Match[str]) -> str:
        words = [
            _option(name, value) if name else value if value == "…" else shlex.quote(value.strip('"'))
            for name, value in ARGUMENT.findall(found[2])
        ]
        return "`" + " ".join(["dify-aws", self._commands[found[1]], *words]) + "`"


def _option(name: str, value: str) -> str:
    flag = flag_of(name)
    if value in ("True", "False"):
        return flag if value == "True" else "--no-" + flag.removeprefix("--")
    return f"{flag} {value if value == '…' else shlex.quote(value.strip(chr(34)))}"
