"""VPCs: one attribute is changed at a time, and tag keys that begin with aws: are AWS's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_EC2 = "moto.ec2.responses:EC2Response"
_ATTRIBUTES = ("EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics")


@corrects(
    _EC2,
    "modify_vpc_attribute",
    says="ModifyVpcAttribute accepts one attribute per call.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html",
)
def one_attribute_a_call(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    given = [name for name in _ATTRIBUTES if response._get_param(f"{name}.Value") is not None]
    if len(given) > 1:
        raise InvalidParameterCombination(f"Fields for multiple attribute types specified: {', '.join(given)}")
    return original()


@corrects(
    _EC2,
    "create_tags",
    "delete_tags",
    "allocate_address",
    "create_internet_gateway",
    "create_nat_gateway",
    "create_route_table",
    "create_security_group",
    "create_subnet",
    "create_volume",
    "create_vpc",
    "create_vpc_endpoint",
    "import_key_pair",
    "run_instances",
    says="Tag keys that begin with aws: are reserved.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions",
)
def reserved_tags(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    tags = list(response._get_param("Tags", []))
    for specification in response._get_param("TagSpecifications", []):
        tags += specification.get("Tags", [])
    if any(tag.get("Key", "").lower().startswith("aws:") for tag in tags):
        raise EC2ClientError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
    return original()


@corrects(
    "moto.ec2.models.security_groups:SecurityGroup",
    "__init__",
    says="Some partitions do not return the ARN of a security group.",
    link="https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3422",
)
def no_arn_in_china(cloud: Cloud, original: Callable[..., None], group: Any, *args: Any, **given: Any) -> None:
    original(*args, **given)
    if group.ec2_backend.region_name.startswith("cn-"):
        group.arn = None


CORRECTIONS = (one_attribute_a_call, reserved_tags, no_arn_in_china)
