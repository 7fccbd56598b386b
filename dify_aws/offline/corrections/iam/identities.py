"""Identities: for a new role or profile, IAM shows its id in place of its ARN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from moto.core.responses import ActionResult

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

SECONDS_WITHOUT_ARN: Final = 10


class _Shown:
    """An object of moto, with other values of some attributes."""

    def __init__(self, thing: Any, **attributes: Any) -> None:
        self._thing = thing
        vars(self).update(attributes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._thing, name)


@corrects(
    "moto.iam.responses:IamResponse",
    "create_role",
    "get_role",
    "create_instance_profile",
    "get_instance_profile",
    says="While IAM is not consistent yet, the ARN of a new role or instance profile is shown as its id (AROA…).",
    link="https://github.com/hashicorp/terraform-provider-aws/issues/22018",
)
def new_arn_is_shown_as_id(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    result = answer.result
    if "Role" in result:
        return ActionResult({**result, "Role": _early(cloud, result["Role"])})
    profile = result["InstanceProfile"]
    roles = [_early(cloud, role) for role in profile.roles]
    return ActionResult({**result, "InstanceProfile": _Shown(_early(cloud, profile), roles=roles)})


def _early(cloud: Cloud, thing: Any) -> Any:
    with cloud.lock:
        # By the object, because the same name can be created again.
        _, settled = cloud.remember("identities with an arn at").setdefault(
            id(thing), (thing, cloud.clock.now() + SECONDS_WITHOUT_ARN)
        )
    return thing if cloud.clock.now() >= settled else _Shown(thing, arn=thing.id)


CORRECTIONS = (new_arn_is_shown_as_id,)
