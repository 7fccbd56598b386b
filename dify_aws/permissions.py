"""Permissions: the policies of IAM for everybody who has to do with a deployment, each as narrow as AWS can judge."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from dify_aws.deployment import VERBS
from dify_aws.engine.resource import kinds
from dify_aws.errors import Problem, SettingsError
from dify_aws.iam_policies import grants
from dify_aws.iam_policies.foundation_grants import ADOPTION, FOUNDATION, FOUNDATION_LOOKING, existing
from dify_aws.iam_policies.policy_document import Document, Place, document, joined
from dify_aws.iam_policies.reader_grants import OPERATOR, READER
from dify_aws.operations.run.verb import Verb
from dify_aws.presentation import JsonMixin
from dify_aws.regions import partition_of
from dify_aws.settings import Settings
from dify_aws.settings.aws_rules import NO_BOUNDARY
from dify_aws.settings.deployment_rules import FOUNDATION as FOUNDATION_LABEL
from dify_aws.topologies.account import Account
from dify_aws.topologies.role_policies import host_policy

Policies = Mapping[str, Document]
"""Policy documents by name. Each fits into a managed policy; all of one identity fit together into one role."""

ACCOUNT_KINDS: Final = frozenset({"oidc-provider", "public-access-block", "table", "trail"})
"""The kinds that no environment has: the foundation's own."""

WORKFLOW_VERBS: Final = frozenset({"access", "close_access", "deploy", "destroy", "plan", "plan_destroy"})
"""The verbs that the workflow for GitHub Actions runs: its role has the permissions of no others."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "ec2:DisassociateAddress": "our machine lets go of its address by ending; of another one, it is not ours to take",
    "iam:AttachRolePolicy": "no role of ours has a managed policy, and whoever may attach any is an administrator",
    "iam:DeleteRolePermissionsBoundary": "what limits a role is taken off by whoever put it on, not by whom it limits",
    "iam:PutRolePermissionsBoundary": "only with the setting permissions_boundary, and only that one",
    "s3:DeleteBucketPolicy": "every bucket of ours has one: TLS only",
}
"""What kinds of resources could do and no topology uses, and why nobody is given it."""

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
        "scheduler:GetSchedule",
        "scheduler:GetScheduleGroup",
        "ssm:GetParameter",
    }
)
"""What is read only on the way to changing something."""

NOT_GITHUBS: Final = frozenset({"ListBackups", "LockTable"})
"""The grants that no workflow needs: it makes no diagnosis, and the foundation has made the table."""

TO_EXPLAIN: Final = frozenset(
    {
        "ec2:DescribeEgressOnlyInternetGateways",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeTransitGatewayVpcAttachments",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeVpnGateways",
    }
)
"""What only says more of a destroy that AWS refuses: workflows do without, as the policies of a role have a limit."""

VALUE: Final = "secretsmanager:GetSecretValue"


@dataclass(frozen=True, kw_only=True)
class Permissions(JsonMixin):
    """The policies of one deployment, as documents of IAM by name.

    Printed, they are one JSON document: first the identity, then the name of the policy.

    Args:
        deployer: for whoever makes, changes, looks at and destroys this environment, and no other.
        reader: for whoever only looks at it from outside: what ``plan``, ``outputs``, ``history``, ``estimate_cost``
            and ``diagnose`` (but for the machine) ask. It can read no secret.
        operator: for whoever also enters the machine: what ``access``, ``close_access`` and ``diagnose`` ask. It reads
            the environment's secrets, and changes nothing but who gets in.
        instance: of the machine's role, which dify_aws makes itself: for reading.
        github: for the role that GitHub Actions has for this environment, as ``Foundation(policies=…)`` takes it: what
            the workflow does (``plan``, ``deploy``, ``destroy``, ``access``), as short as it can be written: the inline
            policies of a role are limited together.
        foundation: for whoever makes the foundation of the account (``Foundation``).
        adoption: beside ``deployer``, for as long as somebody adopts things that others have made: it can put the
            tag of the deployment on anything of EC2 that carries none.
    """

    deployer: Policies
    reader: Policies
    operator: Policies
    instance: Policies
    github: Policies
    foundation: Policies
    adoption: Policies

    def to_dict(self) -> dict[str, dict[str, Document]]:
        """The same as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        return self.to_json()


def permissions(settings: Settings, account: str, *, verbs: Iterable[Verb] = VERBS) -> Permissions:
    """The policies for ``settings`` in the account with this id. Makes no call to AWS.

    Args:
        settings: the names, the region, and what exists already (image, VPC, subnets, permissions boundary) count.
        account: its id, twelve digits.
        verbs: what is done with the deployment; all verbs of :class:`~dify_aws.Deployment` by default.

    Returns:
        The policies of every identity.

    Raises:
        SettingsError: that is no id of an account.

    >>> sorted(permissions(Settings(environment="dev"), "123456789012").deployer)
    ['identities', 'looking', 'network', 'services']
    """
    if not re.fullmatch(r"\d{12}", account):
        raise SettingsError([Problem("account", account, "is no id of an account", "Write its twelve digits")])
    where = Account(account, partition_of(settings.region), settings.region)
    one = Place(settings.project, settings.environment, where, settings.image_id or "*")
    ground = Place(settings.project, FOUNDATION_LABEL, where)
    verbs = tuple(verbs)
    workflow = [verb for verb in verbs if verb.name in WORKFLOW_VERBS]
    reader = _reader(one, settings, verbs)
    return Permissions(
        deployer=_deployer(one, settings, verbs, declared(verbs)),
        reader={"reader": reader},
        operator=_operator(one, reader),
        instance={"host": host_policy(settings, where)},
        github={
            "deploy": joined(*_deployer(one, settings, workflow, declared(workflow) - TO_EXPLAIN, NOT_GITHUBS).values())
        },
        foundation={
            "looking": document(ground, FOUNDATION_LOOKING),
            "foundation": document(ground, grants.bounded(FOUNDATION, settings.permissions_boundary)),
        },
        adoption={"adoption": document(one, ADOPTION)},
    )


def declared(verbs: Iterable[Verb] = VERBS) -> frozenset[str]:
    """Every action that an environment may need: what its kinds of resources and the verbs declare.

    Args:
        verbs: what is done with the deployment.

    Returns:
        Names of IAM actions, as "ec2:CreateVpc".
    """
    of_environments = [
        cls for name, cls in kinds().items() if cls.__module__.startswith("dify_aws.") and name not in ACCOUNT_KINDS
    ]
    needed = [cls.permissions for cls in of_environments]
    return frozenset[str]().union(*needed, *(verb.actions for verb in verbs))


def _deployer(
    place: Place, settings: Settings, verbs: Iterable[Verb], actions: frozenset[str], without: Collection[str] = ()
) -> dict[str, Document]:
    parts = {
        "looking": grants.LOOKING,
        "network": (*grants.NETWORK, *existing(settings)),
        "identities": tuple(grants.bounded(grants.IDENTITIES, settings.permissions_boundary)),
        "services": (*grants.STORAGE, *grants.NAMED, *(grant for verb in verbs for grant in verb.grants)),
    }
    allowed = actions - LEFT_OUT.keys()
    if settings.permissions_boundary not in (None, NO_BOUNDARY):
        allowed |= actions & {"iam:PutRolePermissionsBoundary"}
    return {
        name: document(place, [grant for grant in part if grant.sid not in without], allowed)
        for name, part in parts.items()
    }


def _reader(place: Place, settings: Settings, verbs: Collection[Verb]) -> Document:
    reading = frozenset(action for action in declared(verbs) if action.partition(":")[2].startswith(READING))
    allowed = reading - BEFORE_CHANGING - TO_EXPLAIN - {VALUE}
    parts = [*_deployer(place, settings, verbs, allowed).values(), document(place, READER)]
    return {"Version": "2012-10-17", "Statement": [each for part in parts for each in part["Statement"]]}


def _operator(place: Place, reader: Document) -> dict[str, Document]:
    # It reads all secrets, and with them the public key.
    looking = [each for each in reader["Statement"] if each["Sid"] not in {grant.sid for grant in READER}]
    return {"looking": {**reader, "Statement": looking}, "access": document(place, OPERATOR)}
