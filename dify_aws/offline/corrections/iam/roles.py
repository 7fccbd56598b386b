"""Roles: a permissions boundary must be an existing policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects


@corrects(
    "moto.iam.responses:IamResponse",
    "create_role",
    "put_role_permissions_boundary",
    says="A permissions boundary must be a policy of the account or of AWS, else NoSuchEntity.",
    link="https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html",
)
def a_boundary_is_there(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    boundary = response._get_param("PermissionsBoundary")
    backend = iam_backends[response.current_account][response.partition]
    # moto loads AWS's own policies only on request, which takes seconds.
    if boundary and ":aws:policy/" not in boundary and boundary not in backend.managed_policies:
        raise NotFoundException(f"Scope ARN: {boundary} does not exist or is not attachable.")
    return original()


CORRECTIONS = (a_boundary_is_there,)
