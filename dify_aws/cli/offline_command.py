"""Offline command: opens an offline world that lasts, shows whether one is open, and ends it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Final

from dify_aws.cli.invocation import Command, Invocation
from dify_aws.cli.offline_world import WorldClient, start
from dify_aws.operations.run.command_line import SUCCESS

SPEED: Final = 60.0
"""Fast enough not to bore, and slow enough to see what waits for what: as `make quickstart`."""


def _offline(invocation: Invocation) -> int:
    environ, options = invocation.terminal.environ, invocation.options
    if (world := WorldClient.connect(environ)) is not None:
        with world:
            if options["stop"]:
                world.stop()
                invocation.show("the offline world is ended")
            else:
                invocation.show(f"an offline world is open (process {world.pid}). `dify-aws offline --stop` ends it.")
        return SUCCESS
    if options["stop"]:
        invocation.show("no offline world is open")
        return SUCCESS
    pid = start(environ, options["speed"])
    invocation.show(
        f"An offline world is open (process {pid}): an empty AWS account that lasts until `dify-aws offline --stop`, "
        "or for half a day without a command. Give any command in it with --offline:\n"
        "dify-aws deploy --environment dev --offline"
    )
    return SUCCESS


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--stop", action="store_true", help="end it, with everything in it")
    meaning = f"seconds of waiting for AWS per real second (default: {SPEED:.0f})"
    parser.add_argument("--speed", type=float, default=SPEED, metavar="N", help=meaning)


OFFLINE: Final = Command(
    "offline",
    "open an AWS without account or cost that lasts, for all commands with --offline",
    _offline,
    _arguments,
    has_settings=False,
)
