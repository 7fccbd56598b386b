"""pin_host_key: pins another host key of the machine, after it was made anew by other means."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.errors import Problem, SettingsError
from dify_aws.host.ssh.host_key import HostKey, host_keys
from dify_aws.operations.access import host_key
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun
from dify_aws.operations.run.verb import changing_verb
from dify_aws.verbs.outputs import outputs


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("line", metavar="KEY", help='as in known_hosts, without the name: "ssh-ed25519 AAAA…", quoted')


def _run(line: CommandLine) -> int:
    if not line.options["yes"]:
        fingerprint = _read(line.options["line"]).fingerprint
        line.agree(f"Only a machine with this host key is accepted from now on: {fingerprint}")
    fingerprint = pin_host_key(line.working(), line.options["line"])
    line.show({"fingerprint": fingerprint} if line.form == "json" else f"pinned: {fingerprint}")
    return SUCCESS


@changing_verb(
    "pin another host key, after the instance was recreated by other means",
    permissions=host_key.PERMISSIONS,
    operand="KEY",
    arguments=_arguments,
    run=_run,
)
def pin_host_key(deployment: DeploymentContext, run: RecordedRun, line: str) -> str:
    """Accept only this host key of the machine from now on, in place of the one that was pinned.

    Do it after the machine was made anew by other means, and after you have compared the fingerprints.

    Args:
        line: as in known_hosts, without the name: "ssh-ed25519 AAAA…".

    Returns:
        Its fingerprint.

    Raises:
        SettingsError (ValueError): it is no host key.
        AlreadyLocked: another run is at work; nothing was changed.
    """
    key = _read(line)
    with run:
        found = outputs(deployment)
        run.note([{"verb": "update", "address": f"host key: {key.fingerprint}"}])
        return host_key.pin(deployment.aws, found.secrets["ssh-private-key"], found.instance_id, line)


def _read(line: str) -> HostKey:
    try:
        return host_keys(line)[0]
    except ValueError as error:
        right = 'Give a line as in known_hosts, without the name: "ssh-ed25519 AAAA…"'
        raise SettingsError([Problem("line", line, f"is no host key ({error})", right)]) from error
