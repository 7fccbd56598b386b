"""Tokens: a client token makes a create call idempotent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction, corrects

_EC2 = "moto.ec2.responses:EC2Response"
_IDEMPOTENCY = "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html"


@dataclass(frozen=True)
class Spent:
    """A used token: its parameters, AWS's response, and the id of the volume if it created one."""

    parameters: str
    answer: Any
    volume_id: str | None = None


@corrects(
    _EC2,
    "run_instances",
    "create_nat_gateway",
    "create_route_table",
    "create_vpc_endpoint",
    "create_instance_connect_endpoint",
    "create_volume",
    says="The same token and parameters create nothing new; other parameters are refused, and so is the token of"
    " a volume that is deleted.",
    link=_IDEMPOTENCY,
)
def one_token_one_thing(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    parameters = {key: value for key, value in response._get_params().items() if key != "DryRun"}
    token = parameters.pop("ClientToken", None)
    if token is None:
        return original()
    fingerprint = json.dumps(parameters, sort_keys=True, default=str)
    spent: dict[Any, Spent] = cloud.remember("client tokens")
    key = (response.current_account, response.region, response._get_action(), token)
    if used := spent.get(key):
        # A token of a deleted volume is refused like one with other parameters:
        # https://github.com/crossplane-contrib/provider-aws/issues/1858
        deleted = used.volume_id is not None and used.volume_id not in response.ec2_backend.volumes
        if used.parameters != fingerprint or deleted:
            raise EC2ClientError(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
            )
        return _again(used.answer)
    made = original()
    # An instance is returned in its current state; for others, AWS repeats its response, even after the deletion.
    answer = made if response._get_action() == "RunInstances" else response.serialized(made)
    volume_id = made.result.id if response._get_action() == "CreateVolume" else None
    spent[key] = Spent(fingerprint, answer, volume_id)
    return _again(answer)


def _again(answer: Any) -> Any:
    if not isinstance(answer, ActionResult):
        status, headers, body = answer
        return status, dict(headers), body
    instances = getattr(answer.result, "instances", [])
    if any(instance.state == "terminated" for instance in instances):
        raise EC2ClientError(
            "IdempotentInstanceTerminated",
            "The request to launch an instance uses the same client token as a previous request for which the instance"
            " has been terminated.",
        )
    return answer


def _with_client_token(cloud: Cloud, filters: dict[str, str]) -> dict[str, str]:
    return {**filters, "client-token": "client_token"}


client_token_filter = Correction(
    owner="moto.ec2.utils",
    attributes=("filter_dict_attribute_mapping",),
    says="DescribeInstances can filter by client-token.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html",
    replace=_with_client_token,
)

CORRECTIONS = (one_token_one_thing, client_token_filter)
