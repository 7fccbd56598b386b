"""Commands: all that can be typed: one for each verb of a deployment, and those that are about no deployment."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Final

from dify_aws.cli.account import BOOTSTRAP, WORKFLOW
from dify_aws.cli.completion import completion_command
from dify_aws.cli.init import INIT
from dify_aws.cli.invocation import Command
from dify_aws.cli.login import OPEN
from dify_aws.cli.offline_command import OFFLINE
from dify_aws.cli.releases import RELEASE
from dify_aws.deployment import VERBS
from dify_aws.operations.run.verb import Verb

OTHER_COMMANDS: Final = (OPEN, INIT, BOOTSTRAP, WORKFLOW, RELEASE, OFFLINE)
"""The commands that are no verbs of a deployment, in the order of the help."""


def commands(verbs: Iterable[Verb] = VERBS) -> tuple[Command, ...]:
    """Every command, in the order of the help.

    Args:
        verbs: of a deployment. One whose command is a form of another command ("plan --destroy") has none of its own.
    """
    from dify_aws.cli.parser import parser

    own = (*(_command(verb) for verb in verbs if " " not in verb.command), *OTHER_COMMANDS)
    # Its parser has all commands, itself among them.
    completion: Command = completion_command(lambda: parser((*own, completion)))
    return (*own, completion)


def _command(verb: Verb) -> Command:
    def arguments(parser: ArgumentParser) -> None:
        if verb.effect == "changes":
            meaning = "wait for another run to end (default: until it is known whether it was killed)"
            parser.add_argument("--yes", action="store_true", help="do not ask")
            parser.add_argument("--wait", type=float, metavar="SECONDS", help=meaning)
        verb.arguments(parser)

    return Command(verb.command, verb.summary, verb.run, arguments, verb.operand)
