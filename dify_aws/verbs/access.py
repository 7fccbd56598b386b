"""access: opens port 22 of the machine for one address and a limited time; close_access closes it earlier."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.operations.access import access as lease_access
from dify_aws.operations.access import close
from dify_aws.operations.access.host_connection import leased
from dify_aws.operations.access.lease import MINUTES, Lease
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.verbs.outputs import outputs


def _arguments(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--address", metavar="IP", help="who gets access; by default this computer")
    what.add_argument("--close", action="store_true", help="close now what this user has opened from this computer")
    parser.add_argument(
        "--minutes", type=int, default=MINUTES, metavar="N", help="5 to 720, after which AWS closes it (default: 60)"
    )


def _run(line: CommandLine) -> int:
    return _close(line) if line.options["close"] else _open(line)


def _open(line: CommandLine) -> int:
    deployment, options = line.deployment(), line.options
    host = outputs(deployment).public_ip
    # Not closed here: --close does that, or AWS when the time is over.
    lease = access(deployment, options["address"], minutes=options["minutes"])
    if line.form == "json":
        line.show({"ssh": f"ubuntu@{host}", "address": lease.address, "expires": lease.expires.isoformat()})
    else:
        line.show(f"ubuntu@{host} is open for {lease.address} until {lease.expires:%Y-%m-%d %H:%M:%S} UTC.")
    return SUCCESS


def _close(line: CommandLine) -> int:
    closed = close_access(line.deployment())
    if line.form == "json":
        line.show({"closed": list(closed)})
    else:
        line.show("\n".join(f"closed for {each}" for each in closed) or "nothing was open from this machine")
    return SUCCESS


@reading_verb(
    "open port 22 for one address and a limited time, after which AWS closes it",
    "concurrent",
    permissions=lease_access.PERMISSIONS,
    arguments=_arguments,
    run=_run,
)
def access(
    deployment: DeploymentContext, address: str | None = None, *, minutes: int = MINUTES, owner: str | None = None
) -> Lease:
    """Open port 22 of the machine for one address and a limited time. Use it as a context manager.

    It is closed at the end of the block, or by AWS itself when the time is over, whatever happens here. It works while
    a run holds the lock: a lease belongs to one person, and no run changes it.

    Args:
        address: the public address that is let in; the one of this machine, if it is not given.
        minutes: how long at the longest, 5 to 720.
        owner: who this is, for others who look at the rule; by default user and host name.

    Returns:
        The lease.

    Raises:
        SettingsError: with ``ssh="tunnel"`` no port is ever opened; or an argument is wrong.
        DifyAwsError: there is no such deployment; or the address of this machine could not be found out.
    """
    return leased(
        deployment.aws,
        deployment.settings,
        outputs(deployment),
        deployment.connectivity,
        address,
        minutes=minutes,
        owner=owner,
    )


@reading_verb(
    "close what this user has opened from this computer",
    "concurrent",
    permissions=lease_access.PERMISSIONS,
    command="access --close",
)
def close_access(deployment: DeploymentContext) -> tuple[str, ...]:
    """End every lease of this user on this machine, also those of other processes, and all whose time is over.

    It works for a deployment that is not complete, too. A rule that somebody else has open stays open for them.

    Returns:
        The networks that have no access any more.

    Raises:
        AwsError: AWS refused; it closes the port itself when the time is over.
    """
    return close.close_access(deployment.aws)
