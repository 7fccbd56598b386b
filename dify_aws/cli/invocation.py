"""Invocation: one command as it was typed, with its settings, and where its results go; Command: what can be typed."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dify_aws.aws import Session
from dify_aws.cli.terminal import Terminal
from dify_aws.deployment import Deployment
from dify_aws.engine.applied import Applied
from dify_aws.errors import DifyAwsError
from dify_aws.events import Listener
from dify_aws.operations.run.command_line import OutputFormat
from dify_aws.settings import Settings


@dataclass(frozen=True)
class Invocation:
    """One command as it was typed: a :class:`~dify_aws.operations.run.command_line.CommandLine`.

    Args:
        options: the parsed options, by name.
        settings: of the deployment.
        session: how AWS is reached; None: boto3's default chain.
        terminal: where it reads and writes.
        until_the_end: closed when the command ends.
        deployment_type: the class whose verbs are commands.
    """

    options: Mapping[str, Any]
    settings: Settings
    session: Session | None
    terminal: Terminal
    until_the_end: ExitStack
    deployment_type: type[Deployment] = Deployment

    @property
    def form(self) -> OutputFormat:
        """The requested format of the result."""
        form: OutputFormat = self.options["form"]
        return form

    @cached_property
    def _one(self) -> Deployment:
        options = self.options
        one = self.deployment_type(
            self.settings, session=self.session, wait=options.get("wait"), address=options.get("our_address")
        )
        # A bill of materials without records asks AWS nothing.
        if not options.get("unrecorded"):
            self.terminal.say(f"AWS account {one.account.id}")
        return one

    def deployment(self) -> Deployment:
        """The deployment of the settings. Its account is named first."""
        return self._one

    def working(self) -> Deployment:
        """The deployment of the settings; its progress is shown until the command ends."""
        self._one.listener = self.progress()
        return self._one

    def progress(self) -> Listener:
        """Shows the progress of a run until the command ends."""
        return self.until_the_end.enter_context(self.terminal.progress())

    def show(self, value: Any) -> None:
        """Show the result, on stdout.

        Args:
            value: a text, a mapping, or a value with ``to_json()``.
        """
        self.terminal.show(value, self.form)

    def show_destroyed(self, applied: Applied) -> None:
        """Show what was deleted, and what was kept, on stdout.

        Args:
            applied: what a destroy did.
        """
        fields = {**applied.plan.to_dict(), "summary": applied.plan.done(), "seconds": round(applied.seconds, 1)}
        self.show(fields if self.form == "json" else str(applied))

    def say(self, text: str) -> None:
        """Show a message to a person, on stderr.

        Args:
            text: the message.
        """
        self.terminal.say(text)

    def show_question(self, shown: object) -> None:
        """Show on stderr what a question is about.

        Args:
            shown: a plan, or a text.
        """
        self.terminal.show_on_stderr(shown)

    def agree(self, shown: object) -> None:
        """Show what would be changed, and ask whether to do it.

        Args:
            shown: a plan, or a text.

        Raises:
            DifyAwsError: the answer is not yes.
        """
        self.show_question(shown)
        if (self.terminal.ask("Do this? [yes/no] ") or "").lower() not in ("y", "yes"):
            raise DifyAwsError("the answer is not yes, and nothing was changed. --yes does not ask.")

    def confirm(self, name: str) -> None:
        """Ask on the terminal for the name of what is deleted.

        Args:
            name: the text that has to be typed.

        Raises:
            DifyAwsError: another text was typed, or none.
        """
        if self.terminal.ask(f'Type "{name}" to delete all this: ') != name:
            raise DifyAwsError(
                f'that is not "{name}", and nothing was deleted. --yes does not ask, for where nobody can answer.'
            )


@dataclass(frozen=True)
class Command:
    """A command that can be typed.

    Args:
        name: as it is typed.
        summary: one line for the help.
        run: runs it; returns the exit code.
        arguments: adds its own options to a parser.
        operand: the positional arguments in the usage line.
        defaults: settings that it can do without.
        has_settings: whether it is about an environment, and has the settings as options.
    """

    name: str
    summary: str
    run: Callable[[Invocation], int]
    arguments: Callable[[ArgumentParser], object] = lambda parser: None
    operand: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
    has_settings: bool = True
