"""Permissions: the policies of IAM for everybody who has to do with a deployment, each as narrow as AWS can judge."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from dify_aws.blueprints import grants
from dify_aws.blueprints.account import Account
from dify_aws.blueprints.foundation_grants import ADOPTION, ENVIRONMENTS_ONLY, FOUNDATION, FOUNDATION_LOOKING, existing
from dify_aws.blueprints.policies import host_policy
from dify_aws.blueprints.policy_document import EVERY, Document, Place, document, joined
from dify_aws.engine.resource import kinds
from dify_aws.errors import Problem, SettingsError
from dify_aws.operations import access, diagnose, history, lock
from dify_aws.settings import Settings

Policies = Mapping[str, Document]
"""Policy documents by name. Each fits into a managed policy; all of one identity fit together into one role."""

ACCOUNT_KINDS: Final = frozenset({"oidc-provider", "public-access-block", "table", "trail"})
"""The kinds that no environment has: the foundation's own."""

UNDECLARED: Final = frozenset({"iam:GetOpenIDConnectProvider", "iam:ListOpenIDConnectProviders", "pricing:GetProducts"})
"""A run looks for what it may own, also for the kinds of the foundation; and estimate_cost(live=True) asks prices."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "iam:AttachRolePolicy": "no role of ours has a managed policy, and whoever may attach any is an administrator",
    "s3:DeleteBucketPolicy": "every bucket of ours has one: TLS only",
}
"""What kinds of resources could do and no blueprint wishes for, and why nobody is given it."""

READING: Final = ("Describe", "Get", "List")
"""What the names of actions begin with that change nothing."""

BEFORE_CHANGING: Final = frozenset(
    {
        "dynamodb:DescribeTable",
        "dynamodb:ListTagsOfResource",
        "ec2:DescribeIamInstanceProfileAssociations",
        "ec2:DescribeImages",
        "ec2:DescribeVolumesModifications",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
        "scheduler:GetScheduleGroup",
        "ssm:GetParameter",
    }
)
"""What is read only on the way to changing something."""

BY_FOUNDATION: Final = frozenset({"Lock", "LockTable", "Records"})
"""The grants that the foundation gives to its role itself."""


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """The policies of one deployment, as documents of IAM by name.

    Printed, they are one JSON document: first the identity, then the name of the policy.

    Args:
        deployer: for whoever makes, changes, looks at and destroys this environment, and no other.
        reader: for whoever only looks at it: what ``plan``, ``outputs``, ``diagnose``, ``history`` and
            ``estimate_cost`` ask. It can read the environment's secrets, because a plan compares them.
        instance: of the machine's role, which dify_aws makes itself: for reading.
        github: for the role of GitHub Actions, as ``Foundation(policies=…)`` takes it: every environment of the
            project in this account and region, but nothing of the foundation that the role itself comes from.
        foundation: for whoever makes the foundation of the account (``Foundation``).
        adoption: beside ``deployer``, for as long as somebody adopts things that others have made: it can put the
            tag of the deployment on anything of EC2 that carries none.
    """

    deployer: Policies
    reader: Policies
    instance: Policies
    github: Policies
    foundation: Policies
    adoption: Policies

    def to_dict(self) -> dict[str, dict[str, Document]]:
        """The same as plain values."""
        return asdict(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def __str__(self) -> str:
        return self.to_json()


def permissions(settings: Settings, account: str) -> Permissions:
    """The policies for ``settings`` in the account with this id. Asks AWS nothing.

    Of ``settings`` count the names, the region, and what exists already (image, VPC and subnets).

    Args:
        account: its id, twelve digits.

    Raises:
        SettingsError: that is no id of an account.

    >>> sorted(permissions(Settings(environment="dev"), "123456789012").deployer)
    ['identities', 'looking', 'network', 'services']
    """
    if not re.fullmatch(r"\d{12}", account):
        raise SettingsError([Problem("account", account, "is no id of an account", "Write its twelve digits")])
    where = Account(account, _partition(settings.region), settings.region)
    one = Place(settings.project, settings.environment, where, settings.image_id or "*")
    every = Place(settings.project, EVERY, where, settings.image_id or "*")
    ground = Place(settings.project, "foundation", where)
    return Permissions(
        deployer=_deployer(one, settings, declared()),
        reader={"reader": _reader(one, settings)},
        instance={"host": host_policy(settings, where)},
        github={"deploy": _github(every, ground, settings)},
        foundation={
            "looking": document(ground, FOUNDATION_LOOKING),
            "foundation": document(ground, FOUNDATION),
        },
        adoption={"adoption": document(one, ADOPTION)},
    )


def declared() -> frozenset[str]:
    """Every action that an environment may need: what its kinds of resources and the operations say of themselves."""
    ours = [
        cls for name, cls in kinds().items() if cls.__module__.startswith("dify_aws.") and name not in ACCOUNT_KINDS
    ]
    needed = [cls.permissions for cls in ours]
    needed += [each.PERMISSIONS for each in (access, diagnose, history, lock)]
    return UNDECLARED.union(*needed)


def _deployer(
    place: Place, settings: Settings, actions: frozenset[str], without: Collection[str] = ()
) -> dict[str, Document]:
    parts = {
        "looking": grants.LOOKING,
        "network": (*grants.NETWORK, *existing(settings)),
        "identities": grants.IDENTITIES,
        "services": (*grants.STORAGE, *grants.NAMED),
    }
    return {
        name: document(place, [grant for grant in part if grant.sid not in without], actions - LEFT_OUT.keys())
        for name, part in parts.items()
    }


def _reader(place: Place, settings: Settings) -> Document:
    reading = frozenset(action for action in declared() if action.partition(":")[2].startswith(READING))
    parts = _deployer(place, settings, reading - BEFORE_CHANGING).values()
    return {"Version": "2012-10-17", "Statement": [each for part in parts for each in part["Statement"]]}


def _github(every: Place, ground: Place, settings: Settings) -> Document:
    """All in one and as short as can be: the inline policies of a role are limited together."""
    policy = joined(*_deployer(every, settings, declared(), BY_FOUNDATION).values())
    # The names of all environments are like those of the foundation as well: it is taken out again.
    never = {
        "Effect": "Deny",
        "NotAction": list(ENVIRONMENTS_ONLY.named()),
        "Resource": [ground.arn(each) for each in ENVIRONMENTS_ONLY.on],
    }
    return {**policy, "Statement": [*policy["Statement"], never]}


def _partition(region: str) -> str:
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")
