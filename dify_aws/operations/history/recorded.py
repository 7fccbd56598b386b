"""Recorded: small changes beside the runs, each under the lock of the deployment and in its history."""

from __future__ import annotations

from collections.abc import Callable

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAGS
from dify_aws.engine.plan import Plan
from dify_aws.engine.stack import Stack
from dify_aws.errors import DifyAwsError
from dify_aws.host.ssh.host_key import host_keys
from dify_aws.operations.access.host_key import pin
from dify_aws.operations.adopt import adopt
from dify_aws.operations.history.history import write_record
from dify_aws.operations.lock.lock import Lock
from dify_aws.outputs import Outputs
from dify_aws.settings import Settings


def adopt_recorded(
    aws: Aws, settings: Settings, stack: Stack, address: str, id: str, plan: Plan | None, lock: Lock
) -> Plan:
    """See :meth:`dify_aws.Deployment.adopt`."""

    def record(todo: Plan, succeeded: bool) -> None:
        # Of all that its plan shows, the tags alone are changed.
        changes = [{"verb": "update", "address": each.address, "id": each.id, "changes": [TAGS]} for each in todo]
        write_record(aws, settings, changes, None, verb="adopt" if succeeded else "adopt (failed)")

    return adopt(aws, stack, address, id, plan, lock=lock, record=record)


def pin_recorded(aws: Aws, settings: Settings, find_outputs: Callable[[], Outputs], line: str, lock: Lock) -> str:
    """See :meth:`dify_aws.Deployment.pin_host_key`."""
    changes = [{"verb": "update", "address": f"host key: {host_keys(line)[0].fingerprint}"}]
    # The record is written while the lock is held, so that the next run's comes after it.
    with lock:
        outputs = find_outputs()
        try:
            fingerprint = pin(aws, outputs.secrets["ssh-private-key"], outputs.instance_id, line)
        except DifyAwsError:
            write_record(aws, settings, changes, None, verb="pin_host_key (failed)")
            raise
        write_record(aws, settings, changes, None, verb="pin_host_key")
    return fingerprint
