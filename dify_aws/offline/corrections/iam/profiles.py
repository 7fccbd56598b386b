"""Profiles: a new IAM instance profile is unknown to EC2 for some seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

SECONDS_UNTIL_KNOWN = 10

_EVENTUAL = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html"


@corrects(
    "moto.iam.responses:IamResponse",
    "create_instance_profile",
    "add_role_to_instance_profile",
    says="Other services see a new IAM resource after some seconds.",
    link=_EVENTUAL,
)
def a_new_profile_spreads(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    with cloud.lock:
        key = (response.current_account, response._get_param("InstanceProfileName"))
        cloud.remember("profiles known at")[key] = cloud.clock.now() + SECONDS_UNTIL_KNOWN
    return answer


@corrects(
    "moto.ec2.responses:EC2Response",
    "run_instances",
    "associate_iam_instance_profile",
    "replace_iam_instance_profile_association",
    says="EC2 refuses an instance profile that it does not know (yet) with InvalidParameterValue.",
    link=_EVENTUAL,
)
def ec2_learns_of_it_later(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    arn, name = response._get_param("IamInstanceProfile.Arn"), response._get_param("IamInstanceProfile.Name")
    if arn or name:
        wanted = name or arn.rpartition("/")[2]
        known = iam_backends[response.current_account][response.partition].instance_profiles.values()
        profile = next((profile for profile in known if profile.name == wanted), None)
        known_at = cloud.remember("profiles known at").get((response.current_account, wanted), 0.0)
        if profile is None or cloud.clock.now() < known_at:
            parameter, what = ("name", "name") if name else ("arn", "ARN")
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Value ({name or arn}) for parameter iamInstanceProfile.{parameter} is invalid."
                f" Invalid IAM Instance Profile {what}",
            )
        if not profile.roles:
            raise EC2ClientError(
                "InvalidParameterValue", f"IAM Instance Profile '{profile.arn}' has no associated IAM Roles"
            )
    return original()


@corrects(
    "moto.iam.responses:IamResponse",
    "remove_role_from_instance_profile",
    says="A role that is not in the profile cannot be removed from it: NoSuchEntity.",
    link="https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html",
)
def only_a_role_that_is_in_it_goes(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    wanted, role = response._get_param("InstanceProfileName"), response._get_param("RoleName")
    known = iam_backends[response.current_account][response.partition].instance_profiles.values()
    profile = next((profile for profile in known if profile.name == wanted), None)
    if profile is not None and role not in {each.name for each in profile.roles}:
        raise NotFoundException(f"The role with name {role} cannot be found in the instance profile {wanted}.")
    return original()


CORRECTIONS = (a_new_profile_spreads, ec2_learns_of_it_later, only_a_role_that_is_in_it_goes)
