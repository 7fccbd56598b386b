"""Invocation: one command as it was typed, with its settings, and where its results go; Command: what can be typed."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
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

    def deployment(self, listener: Listener | None = None) -> Deployment:
        """The deployment of the settings.

        Args:
            listener: is called with each event.
        """
        wait = self.options.get("wait")
        return self.deployment_type(self.settings, session=self.session, listener=listener, wait=wait)

    def working(self) -> Deployment:
        """The deployment of the settings; its progress is shown until the command ends."""
        return self.deployment(self.progress())

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

    def confirm(self, name: str) -> None:
        """Ask on the terminal for the name of what is deleted.

        Args:
            name: the text that has to be typed.

        Raises:
            DifyAwsError: another text was typed, or none.
        """
        if self.terminal.asked(f'Type "{name}" to delete all this: ') != name:
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
    """

    name: str
    summary: str
    run: Callable[[Invocation], int]
    arguments: Callable[[ArgumentParser], object] = lambda parser: None
    operand: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
