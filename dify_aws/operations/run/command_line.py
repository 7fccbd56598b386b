"""CommandLine: what the command of a verb is given: the parsed options, the deployment, and where results go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol, TypeAlias

from dify_aws.engine.applied import Applied
from dify_aws.operations.run.context import DeploymentContext

OutputFormat: TypeAlias = Literal["text", "json", "markdown"]

SUCCESS: Final = 0
FAILURE: Final = 1
CHANGES: Final = 2
"""Exit codes of a command; only a plan has the last one."""


class CommandLine(Protocol):
    """One command as it was typed."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The parsed options, by name."""

    @property
    def form(self) -> OutputFormat:
        """The requested format of the result."""

    def deployment(self) -> DeploymentContext:
        """The deployment of the settings."""

    def working(self) -> DeploymentContext:
        """The deployment of the settings; its progress is shown until the command ends."""

    def show(self, value: Any) -> None:
        """Show the result, on stdout.

        Args:
            value: a text, a mapping, or a value with ``to_json()``.
        """

    def show_destroyed(self, applied: Applied) -> None:
        """Show what was deleted, and what was kept, on stdout.

        Args:
            applied: what a destroy did.
        """

    def say(self, text: str) -> None:
        """Show a message to a person, on stderr.

        Args:
            text: the message.
        """

    def agree(self, shown: object) -> None:
        """Show what would be changed, on stderr, and ask whether to do it; not with ``--yes``.

        Args:
            shown: a plan, or a text.

        Raises:
            DifyAwsError: the answer is not yes.
        """

    def show_question(self, shown: object) -> None:
        """Show on stderr what a question is about.

        Args:
            shown: a plan, or a text.
        """

    def confirm(self, name: str) -> None:
        """Ask on the terminal for the name of what is deleted.

        Args:
            name: the text that has to be typed.

        Raises:
            DifyAwsError: another text was typed, or none.
        """
