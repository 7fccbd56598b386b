"""Run: one command from its words to its status."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from dify_aws.aws import Session
from dify_aws.aws.sessions import open_session
from dify_aws.cli.commands import commands
from dify_aws.cli.error_document import error_document
from dify_aws.cli.given import given_settings
from dify_aws.cli.invocation import Command, Invocation
from dify_aws.cli.logs import logs
from dify_aws.cli.offline_command import SPEED
from dify_aws.cli.offline_world import WorldClient
from dify_aws.cli.origin import origin
from dify_aws.cli.parser import flags, parser
from dify_aws.cli.terminal import Terminal
from dify_aws.cli.wording import Wording
from dify_aws.deployment import Deployment
from dify_aws.errors import DifyAwsError
from dify_aws.offline import offline
from dify_aws.operations.run.command_line import FAILURE
from dify_aws.operations.run.verb import verbs_of
from dify_aws.run_interrupted import RunInterrupted
from dify_aws.settings import LOG, Settings

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
    words = list(sys.argv[1:] if arguments is None else arguments)
    terminal = terminal or Terminal(sys.stdin, sys.stdout, sys.stderr, variables)
    verbs = verbs_of(deployment)
    terminal.wording = Wording(verbs)
    try:
        with logs(variables, terminal.stderr):
            return _reported(terminal, words, variables, session, deployment)
    except DifyAwsError as error:
        # DIFY_AWS_LOG itself is wrong.
        terminal.say(f"error: {error}")
        return FAILURE


def _reported(
    terminal: Terminal,
    words: Sequence[str],
    environ: Mapping[str, str],
    session: Session | None,
    deployment: type[Deployment],
) -> int:
    try:
        return _execute(terminal, words, environ, session, deployment)
    except RunInterrupted as interrupt:
        log.debug("interrupted", exc_info=True)
        # The command as it was typed resumes the run: no secret can be in it.
        interrupt.resume = ""
        text = str(interrupt).replace("run again.", f"run: {shlex.join(['dify-aws', *words])}")
        terminal.say("\n".join(["", "interrupted", text, *getattr(interrupt, "__notes__", ())]))
        return INTERRUPTED
    except KeyboardInterrupt:
        log.debug("interrupted", exc_info=True)
        terminal.say("\ninterrupted; no run was at work")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        log.debug("failed", exc_info=True)
        text = "\n".join([str(error), *getattr(error, "__notes__", ())])
        if not isinstance(error, (DifyAwsError, ModuleNotFoundError)):
            text = (
                f"{type(error).__name__}: {error}\n"
                f"That is a mistake of dify_aws and not yours. {LOG}=debug shows where it happened."
            )
        terminal.say(f"error: {text}")
        if "--json" in words:
            terminal.show(error_document(error, text), "json")
        return FAILURE


def _execute(
    terminal: Terminal,
    words: Sequence[str],
    environ: Mapping[str, str],
    session: Session | None,
    deployment: type[Deployment],
) -> int:
    options = vars(parser(commands(verbs_of(deployment))).parse_args(words))
    command: Command = options["command"]
    if not command.has_settings:
        with ExitStack() as until_the_end:
            invocation = Invocation(options, Settings(environment="any"), session, terminal, until_the_end, deployment)
            return command.run(invocation)
    is_offline = options["offline"]
    # A program or a test that brings a session is in its own world.
    if is_offline and session is None and (world := WorldClient.connect(environ)) is not None:
        with world:
            return world.run(words, environ, terminal.descriptors())
    given = flags(options)
    settings = given_settings(given, environ, options["settings"], command.defaults)
    terminal.say(
        origin(settings, given, environ, options["settings"], profile=options["aws_profile"], offline=is_offline)
    )
    with ExitStack() as until_the_end:
        if is_offline and session is None:
            session = until_the_end.enter_context(offline(region=settings.region, speed=SPEED)).session
        elif options["aws_profile"] is not None:
            session = open_session(options["aws_profile"])
        return command.run(Invocation(options, settings, session, terminal, until_the_end, deployment))
