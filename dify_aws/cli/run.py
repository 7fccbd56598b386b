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
from dify_aws.cli.command import WRONG, Command, Verb
from dify_aws.cli.given import given_settings
from dify_aws.cli.logs import logs
from dify_aws.cli.parser import flags, parser
from dify_aws.cli.terminal import Terminal
from dify_aws.errors import DifyAwsError
from dify_aws.offline import offline
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
) -> int:
    """Carry out one command.

    Args:
        arguments: its words; those of this process by default.
        environ: the environment variables; those of this process by default.
        terminal: where it reads and tells; the streams of this process by default.
        session: how AWS is reached; boto3's default chain by default.

    Returns:
        0, or 1 for an error, or 130 after Ctrl-C. ``plan`` also has 2: there are changes.

    Raises:
        SystemExit: by --help and --version.
    """
    variables = os.environ if environ is None else environ
    terminal = terminal or Terminal(sys.stdin, sys.stdout, sys.stderr)
    try:
        with logs(variables, terminal.stderr):
            return _told(terminal, arguments, variables, session)
    except DifyAwsError as error:
        # DIFY_AWS_LOG itself is wrong.
        terminal.say(f"error: {error}")
        return WRONG


def _told(
    terminal: Terminal, arguments: Sequence[str] | None, environ: Mapping[str, str], session: Session | None
) -> int:
    try:
        return _carried_out(terminal, arguments, environ, session)
    except KeyboardInterrupt as interrupt:
        log.debug("interrupted", exc_info=True)
        terminal.say("\n".join(["", "interrupted", *getattr(interrupt, "__notes__", ())]))
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except (DifyAwsError, ModuleNotFoundError) as error:
        log.debug("failed", exc_info=True)
        terminal.say("\n".join([f"error: {error}", *getattr(error, "__notes__", ())]))
        return WRONG
    except Exception as error:
        log.debug("failed", exc_info=True)
        terminal.say(
            f"error: {type(error).__name__}: {error}\n"
            f"That is a mistake of dify_aws and not yours. {LOG}=debug shows where it happened."
        )
        return WRONG


def _carried_out(
    terminal: Terminal, arguments: Sequence[str] | None, environ: Mapping[str, str], session: Session | None
) -> int:
    options = vars(parser().parse_args(arguments))
    verb: Verb = options["verb"]
    settings = given_settings(flags(options), environ, options["settings"], verb.otherwise)
    with ExitStack() as until_the_end:
        if options["offline"]:
            session = until_the_end.enter_context(offline(region=settings.region)).session
        elif options["aws_profile"] is not None:
            session = open_session(options["aws_profile"])
        return verb.run(Command(options, settings, session, terminal, until_the_end))
