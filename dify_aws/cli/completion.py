"""Completion: the script that lets a shell complete commands and options, made from the parser by shtab."""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Callable
from typing import Final

from dify_aws.cli.invocation import Command, Invocation
from dify_aws.operations.run.command_line import SUCCESS

SHELLS: Final = ("bash", "zsh", "tcsh")
FILES: Final = ("FILE", "PATH")
"""The names of values that are files."""


def completion_command(parser: Callable[[], ArgumentParser]) -> Command:
    """The command that writes the script.

    Args:
        parser: makes the parser of the whole command line.
    """

    def run(invocation: Invocation) -> int:
        import shtab

        top = parser()
        for one in (top, *getattr(top, "commands", {}).values()):
            for action in one._actions:
                if action.metavar in FILES:
                    _complete_files(action, shtab.FILE)
        invocation.show(shtab.complete(top, invocation.options["shell"]))
        return SUCCESS

    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("shell", choices=SHELLS, help="the shell; docs/command-line.md says where the script goes")

    summary = f"the script for completion in {', '.join(SHELLS)}"
    return Command("completion", summary, run, arguments, "|".join(SHELLS), has_settings=False)


def _complete_files(action: Action, files: object) -> None:
    vars(action)["complete"] = files
