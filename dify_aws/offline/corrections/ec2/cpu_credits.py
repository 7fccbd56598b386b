"""CPU credits: which instances have a credit specification, what it is at launch, and how it is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES

from dify_aws.offline.addition import adds
from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_EC2 = "moto.ec2.responses:EC2Response"
_GUIDE = (
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode-concepts.html"
)
_VALUES = ("standard", "unlimited")
_NOT_SUPPORTED = "InstanceCreditSpecification.NotSupported"


def _has_credits(instance_type: str) -> bool:
    return bool(INSTANCE_TYPES.get(instance_type, {}).get("BurstablePerformanceSupported"))


def specification(cloud: Cloud, instance: Any) -> str:
    """The current specification: the chosen one, else "unlimited"; for t2 "standard"."""
    default = "standard" if instance.instance_type.startswith("t2.") else "unlimited"
    return str(cloud.remember("cpu credits").get(instance.id, default))


@corrects(
    _EC2,
    "run_instances",
    says="A t3, t3a or t4g is launched as unlimited by default, and types without credits refuse a specification.",
    link=_GUIDE,
)
def launched_with_credits(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    requested, instance_type = (
        response._get_param("CreditSpecification.CpuCredits"),
        response._get_param("InstanceType"),
    )
    if requested is None:
        requested = (response._get_param("CreditSpecification") or {}).get("CpuCredits")
    if requested is not None:
        if requested not in _VALUES:
            raise EC2ClientError("InvalidParameterValue", f"Invalid value '{requested}' for CpuCredits.")
        if not _has_credits(instance_type):
            raise EC2ClientError(
                "InvalidParameterCombination",
                f"CreditSpecification is not supported for instance type {instance_type}.",
            )
    answer = original()
    if requested is not None:
        for instance in answer.result.instances:
            cloud.remember("cpu credits")[instance.id] = requested
    return answer


@corrects(
    _EC2,
    "describe_instance_credit_specifications",
    says="By id it returns instances with credits, and refuses all others; without ids, those that are unlimited.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceCreditSpecifications.html",
)
def those_with_credits(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, ids = response.ec2_backend, response._get_param("InstanceIds", [])
    if ids:
        found = backend.get_multi_instances_by_id(ids)
        for instance in found:
            if not _has_credits(instance.instance_type):
                raise EC2ClientError(_NOT_SUPPORTED, f"The instance {instance.id} does not have CPU credits.")
    else:
        found = [
            each
            for each in backend.all_instances()
            if _has_credits(each.instance_type) and specification(cloud, each) == "unlimited"
        ]
    specifications = [{"InstanceId": each.id, "CpuCredits": specification(cloud, each)} for each in found]
    return ActionResult({"InstanceCreditSpecifications": specifications})


@adds(says="The specification of a running or stopped instance can be changed; the response lists failures.")
def modify_instance_credit_specification(cloud: Cloud, response: Any) -> ActionResult:
    done, refused = [], []
    for specified in response._get_param("InstanceCreditSpecifications", []):
        instance_id = specified["InstanceId"]
        try:
            _modify(cloud, response.ec2_backend, instance_id, specified.get("CpuCredits"))
        except EC2ClientError as error:
            fault = {"Code": error.code, "Message": error.message}
            refused.append({"InstanceId": instance_id, "Error": fault})
        else:
            done.append({"InstanceId": instance_id})
    return ActionResult(
        {"SuccessfulInstanceCreditSpecifications": done, "UnsuccessfulInstanceCreditSpecifications": refused}
    )


def _modify(cloud: Cloud, backend: Any, instance_id: str, requested: str | None) -> None:
    instance = backend.get_instance(instance_id)
    if not _has_credits(instance.instance_type):
        raise EC2ClientError(_NOT_SUPPORTED, f"The instance {instance_id} does not have CPU credits.")
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError(
            "IncorrectInstanceState", f"The instance '{instance_id}' is not in a state from which it can be modified."
        )
    if requested not in _VALUES:
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{requested}' for CpuCredits.")
    cloud.remember("cpu credits")[instance_id] = requested


CORRECTIONS = (launched_with_credits, those_with_credits, modify_instance_credit_specification)
