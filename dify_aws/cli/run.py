"""Run: one command from its words to its status."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from dify_aws.aws import Session
from dify_aws.aws.sessions import open_session
from dify_aws.cli.commands import commands
from dify_aws.cli.given import given_settings
from dify_aws.cli.invocation import Command, Invocation
from dify_aws.cli.logs import logs
from dify_aws.cli.parser import flags, parser
from dify_aws.cli.terminal import Terminal
from dify_aws.deployment import Deployment
from dify_aws.errors import DifyAwsError
from dify_aws.offline import offline
from dify_aws.operations.run.command_line import FAILURE
from dify_aws.operations.run.verb import verbs_of
from dify_aws.settings import LOG

INTERRUPTED: Final = 130
"""What a shell says of a program that Ctrl-C has ended."""

log = logging.getLogger(__name__)


def main(
    arguments: Sequence[str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    terminal: Terminal | None = None,
    session: Session | None = None,
    deployment: type[Deployment] = Deployment,
) -> int:
    """Run one command.

    Args:
        arguments: of the command line; those of this process by default.
        environ: the environment variables; those of this process by default.
        terminal: where it reads and writes; the streams of this process by default.
        session: how AWS is reached; boto3's default chain by default.
        deployment: the class whose verbs are commands.

    Returns:
        0, or 1 for an error, or 130 after Ctrl-C. ``plan`` also has 2: there are changes.

    Raises:
        SystemExit: by --help and --version.
    """
    variables = os.environ if environ is None else environ
    terminal = terminal or Terminal(sys.stdin, sys.stdout, sys.stderr)
    try:
        with logs(variables, terminal.stderr):
            return _reported(terminal, arguments, variables, session, deployment)
    except DifyAwsError as error:
        # DIFY_AWS_LOG itself is wrong.
        terminal.say(f"error: {error}")
        return FAILURE


def _reported(
    terminal: Terminal,
    arguments: Sequence[str] | None,
    environ: Mapping[str, str],
    session: Session | None,
    deployment: type[Deployment],
) -> int:
    try:
        return _execute(terminal, arguments, environ, session, deployment)
    except KeyboardInterrupt as interrupt:
        log.debug("interrupted", exc_info=True)
        terminal.say(
            "\n".join(["", "interrupted", *filter(None, [str(interrupt)]), *getattr(interrupt, "__notes__", ())])
        )
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except (DifyAwsError, ModuleNotFoundError) as error:
        log.debug("failed", exc_info=True)
        terminal.say("\n".join([f"error: {error}", *getattr(error, "__notes__", ())]))
        return FAILURE
    except Exception as error:
        log.debug("failed", exc_info=True)
        terminal.say(
            f"error: {type(error).__name__}: {error}\n"
            f"That is a mistake of dify_aws and not yours. {LOG}=debug shows where it happened."
        )
        return FAILURE


def _execute(
    terminal: Terminal,
    arguments: Sequence[str] | None,
    environ: Mapping[str, str],
    session: Session | None,
    deployment: type[Deployment],
) -> int:
    options = vars(parser(commands(verbs_of(deployment))).parse_args(arguments))
    command: Command = options["command"]
    settings = given_settings(flags(options), environ, options["settings"], command.defaults)
    with ExitStack() as until_the_end:
        if options["offline"]:
            session = until_the_end.enter_context(offline(region=settings.region)).session
        elif options["aws_profile"] is not None:
            session = open_session(options["aws_profile"])
        return command.run(Invocation(options, settings, session, terminal, until_the_end, deployment))
