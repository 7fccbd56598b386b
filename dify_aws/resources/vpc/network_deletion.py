"""NetworkDeletion: how a part of a network is deleted: what GuardDuty left goes with it, and a refusal is explained."""

from __future__ import annotations

from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.vpc.blockers import blockers
from dify_aws.resources.vpc.guardduty import remove_leftovers

REFUSED: Final = frozenset({"DependencyViolation", "Client.DependencyViolation"})


def delete_part(aws: Aws, operation: str, *, guardduty_in: str | None = None, **params: Any) -> None:
    """Delete (or detach) a part of a network; that it is gone already is success.

    Args:
        aws: the deployment.
        operation: one of ``blockers.IDENTIFIED_BY``.
        guardduty_in: the id of the VPC from which GuardDuty's leftovers are removed once AWS has refused.
        params: of the call.

    Raises:
        AwsError: AWS refuses, and where something else depends on the part, the error lists it.
    """
    if guardduty_in is not None:
        try:
            aws.call_once(operation, **params)
            return
        except AwsError as error:
            if error.code in REFUSED:
                remove_leftovers(aws, guardduty_in)
            elif not is_deleted(error):
                raise
    try:
        delete(aws, operation, **params)
    except AwsError as error:
        if error.code not in REFUSED or not (found := blockers(aws, operation, params)):
            raise
        advice = "In the way, and not this deployment's to delete:\n" + "\n".join(f"  - {line}" for line in found)
        raise AwsError(
            error.operation,
            error.code,
            error.message,
            request_id=error.request_id,
            status=error.status,
            advice=f"{advice}\nDelete or detach it where it comes from, then run again to go on from here.",
        ) from error
