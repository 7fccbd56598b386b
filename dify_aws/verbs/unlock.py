"""unlock: removes the lock of a killed run."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.operations.lock import lock_table
from dify_aws.operations.lock import unlock as locks
from dify_aws.operations.lock.lock_owner import LockOwner
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("lock_id", metavar="LOCK_ID", help="as the error and `status` show it")


def _run(line: CommandLine) -> int:
    owner = unlock(line.deployment(), line.options["lock_id"])
    line.show(f"unlocked; it was held by {owner}" if owner else "there is no lock any more")
    return SUCCESS


@reading_verb(
    "remove the lock of a killed run (force-unlock)",
    "concurrent",
    permissions=lock_table.PERMISSIONS,
    operand="LOCK_ID",
    arguments=_arguments,
    run=_run,
)
def unlock(deployment: DeploymentContext, lock_id: str) -> LockOwner | None:
    """Take the lock from the run that has it: one that still runs stops before its next step.

    The lock of a killed run is free by itself two minutes after its last renewal.

    Args:
        lock_id: the id in AlreadyLocked: only the lock that was seen is taken.

    Returns:
        Whose it was; None if there is no lock (any more).

    Raises:
        AlreadyLocked: there is another lock.
    """
    return locks.unlock(deployment.aws, lock_id)
