"""CPU credits: whether a burstable instance may compute beyond the credits that it has earned, for money.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode.html
"""

from __future__ import annotations

from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.errors import AwsError
from dify_aws.instance_types import is_burstable

TABLE: Final = "cpu-credits"
"""The table of the read cache with the credit specification of each instance."""


def cpu_credits(aws: Aws, instance_id: str, instance_type: str) -> str | None:
    """ "standard" or "unlimited"; None for a type that has no credits, about which AWS refuses to be asked."""
    if not is_burstable(instance_type):
        return None
    found: list[dict[str, Any]] = aws.read_cache.read(
        TABLE,
        lambda: aws.pages(
            "ec2.DescribeInstanceCreditSpecifications", "InstanceCreditSpecifications", InstanceIds=[instance_id]
        ),
        instance_id,
    )
    return next((str(each["CpuCredits"]) for each in found if each["InstanceId"] == instance_id), None)


def set_cpu_credits(aws: Aws, instance_id: str, desired: str) -> None:
    """Change it; the instance goes on running.

    Raises:
        AwsError: AWS refused, which it tells in an answer that is a success.
    """
    operation = "ec2.ModifyInstanceCreditSpecification"
    specifications = [{"InstanceId": instance_id, "CpuCredits": desired}]
    answer = aws.call(operation, InstanceCreditSpecifications=specifications)
    for refused in answer.get("UnsuccessfulInstanceCreditSpecifications", ()):
        error = refused.get("Error", {})
        request_id = str(answer.get("ResponseMetadata", {}).get("RequestId", ""))
        raise AwsError(
            operation, str(error.get("Code", "Unknown")), str(error.get("Message", "")), request_id=request_id
        )
