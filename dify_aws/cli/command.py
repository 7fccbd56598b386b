"""Command: one command as it was given, and Verb: what there is to give."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from dify_aws.aws import Session
from dify_aws.cli.terminal import Form, Terminal
from dify_aws.deployment import Deployment
from dify_aws.engine.applied import Applied
from dify_aws.errors import DifyAwsError
from dify_aws.events import Listener
from dify_aws.settings import Settings

FINE: Final = 0
WRONG: Final = 1
CHANGES: Final = 2
"""Statuses of a command; only a plan has the last one."""


@dataclass(frozen=True)
class Command:
    """Its words, its settings, where it works and where it tells."""

    options: Mapping[str, Any]
    settings: Settings
    session: Session | None
    terminal: Terminal
    until_the_end: ExitStack

    @property
    def form(self) -> Form:
        """How the result is wanted."""
        form: Form = self.options["form"]
        return form

    def deployment(self, listener: Listener | None = None) -> Deployment:
        """The deployment of the settings."""
        return Deployment(self.settings, session=self.session, listener=listener, wait=self.options.get("wait"))

    def working(self) -> Deployment:
        """The deployment of the settings, which shows what it does."""
        return self.deployment(self.progress())

    def progress(self) -> Listener:
        """Shows what is done until the command ends."""
        return self.until_the_end.enter_context(self.terminal.progress())

    def show(self, value: Any) -> None:
        """Tell the result."""
        self.terminal.show(value, self.form)

    def show_destroyed(self, applied: Applied) -> None:
        """Tell what was deleted, and what was kept."""
        told = {**applied.plan.to_dict(), "summary": applied.plan.done(), "seconds": round(applied.seconds, 1)}
        self.show(told if self.form == "json" else str(applied))

    def agreed(self, name: str) -> None:
        """Ask on the terminal for the name of what is deleted.

        Raises:
            DifyAwsError: another was typed, or none.
        """
        if self.terminal.asked(f'Type "{name}" to delete all this: ') != name:
            raise DifyAwsError(
                f'that is not "{name}", and nothing was deleted. --yes does not ask, for where nobody can answer.'
            )


@dataclass(frozen=True)
class Verb:
    """What a command can be: its name, what it does, how it is carried out, and the words that only it knows.

    ``otherwise`` are settings that it can do without.
    """

    name: str
    says: str
    run: Callable[[Command], int]
    words: Callable[[ArgumentParser], object] = lambda parser: None
    operand: str = ""
    otherwise: Mapping[str, str] = field(default_factory=dict)
