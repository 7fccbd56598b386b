"""The foundation: what an account needs once, before and beside every environment. Read it from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws.physical_name import physical_name
from dify_aws.engine.resource import Input, Resource
from dify_aws.engine.stack import Stack
from dify_aws.resources import Bucket, LifecycleRule, OidcProvider, PublicAccessBlock, Role, Table, Trail
from dify_aws.settings.deployment_rules import FOUNDATION
from dify_aws.topologies.account import Account

GITHUB: Final = "token.actions.githubusercontent.com"
"""Who issues the tokens of GitHub Actions.
https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws"""

AUDIENCE: Final = "sts.amazonaws.com"
"""For whom they are issued."""

RECORDS: Final = "records/"
"""Where in the state bucket the records of the deployments are."""

LOCK_KEY: Final = "LockID"
TRAIL_DAYS: Final = 365
"""How long the record of API calls is kept. It is looked at when something is found out, which may be months later."""


@dataclass(frozen=True)
class GithubRole:
    """A role that workflows of GitHub may take.

    Args:
        name: in the foundation.
        role_name: in IAM; None: as all roles are named.
        subjects: who may take it, in the words of GitHub's tokens.
        policies: what it may do.
    """

    name: str
    role_name: str | None
    subjects: tuple[str, ...]
    policies: Mapping[str, Mapping[str, Any]]


def foundation_name(project: str) -> str:
    """The name of the foundation as a deployment, as in ``dify/foundation``."""
    return f"{project}/{FOUNDATION}"


def lock_table(project: str) -> Table:
    """The table of locks. The first run that needs a lock makes it, so that nothing has to be prepared."""
    # Whoever is at work there loses the lock if it goes: that needs to be asked for.
    return Table(name="locks", table_name=lock_table_name(project), key=LOCK_KEY, keep=True)


def lock_table_name(project: str) -> str:
    """As in ``dify-aws-locks``: one in an account and region, for all environments of a project."""
    return f"{project}-aws-locks"


def state_bucket_name(project: str, account: Account) -> str:
    """Unique in the world, because account and region are in it."""
    return _bucket_name(project, "state", account)


def _bucket_name(project: str, name: str, account: Account) -> str:
    return f"{physical_name(foundation_name(project), name)}-{account.id}-{account.region}"


def foundation(
    project: str,
    account: Account,
    *,
    roles: Sequence[GithubRole] = (),
    own_provider: bool = True,
    permissions_boundary: str | None = None,
    trail: bool = True,
    block_public_access: bool = True,
    notes: Iterable[str] = (),
) -> Stack:
    """The stack of the foundation. Asks AWS nothing.

    Args:
        project: the first part of every name.
        account: where it is.
        roles: those that workflows of GitHub may take.
        own_provider: False if the account has a provider for GitHub that is somebody else's: it is used as it is.
        permissions_boundary: the ARN of the managed policy that limits the roles, or "none"; None: what is there stays.
        trail: record every call to AWS's API.
        block_public_access: forbid public access in every bucket of the account.
    """
    state = Bucket(
        name="state",
        bucket_name=state_bucket_name(project, account),
        lifecycle=[
            LifecycleRule("old-versions", noncurrent_expiration_days=90),
            LifecycleRule("unfinished-uploads", abort_uploads_days=7),
        ],
    )
    resources: list[Resource] = [state, lock_table(project)]
    if block_public_access:
        resources += [PublicAccessBlock(name="account")]
    if trail:
        resources += _trail(project, account)
    if roles:
        resources += _github(account, roles, own_provider, account.boundary(permissions_boundary))
    return Stack(foundation_name(project), resources, notes=notes)


def _trail(project: str, account: Account) -> Iterator[Resource]:
    """The trail, and the bucket that nobody but CloudTrail writes to."""
    name = physical_name(foundation_name(project), "calls")
    bucket_name = _bucket_name(project, "calls", account)
    bucket = account.bucket_arn(bucket_name)
    writer = {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Effect": "Allow"}
    # Of all trails in the world, only this one: others may not write here in the name of CloudTrail.
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    this_trail = {"aws:SourceArn": account.arn("cloudtrail", f"trail/{name}")}
    logs = Bucket(
        name="calls",
        bucket_name=bucket_name,
        statements=(
            {
                "Sid": "CloudTrailLooks",
                **writer,
                "Action": "s3:GetBucketAcl",
                "Resource": bucket,
                "Condition": {"StringEquals": this_trail},
            },
            {
                "Sid": "CloudTrailWrites",
                **writer,
                "Action": "s3:PutObject",
                "Resource": f"{bucket}/AWSLogs/{account.id}/*",
                "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **this_trail}},
            },
        ),
        lifecycle=[
            LifecycleRule("old-calls", expiration_days=TRAIL_DAYS),
            LifecycleRule("old-versions", noncurrent_expiration_days=90),
            LifecycleRule("unfinished-uploads", abort_uploads_days=7),
        ],
    )
    yield logs
    yield Trail(name="calls", trail_name=name, bucket=logs.id)


def _github(
    account: Account, roles: Sequence[GithubRole], own_provider: bool, boundary: str | None
) -> Iterator[Resource]:
    """Whose tokens are believed, and the roles that the named workflows get for one."""
    provider: Input[str] = f"arn:{account.partition}:iam::{account.id}:oidc-provider/{GITHUB}"
    if own_provider:
        ours = OidcProvider(name="github", url=GITHUB, client_ids=[AUDIENCE])
        provider = ours.id
        yield ours
    for role in roles:
        subjects = sorted(role.subjects)
        yield Role(
            name=role.name,
            role_name=role.role_name,
            service=provider,
            trust_condition={
                "StringEquals": {
                    f"{GITHUB}:aud": AUDIENCE,
                    f"{GITHUB}:sub": subjects[0] if len(subjects) == 1 else list(subjects),
                }
            },
            policies=role.policies,
            permissions_boundary=boundary,
        )


def team_policy(project: str, environment: str, account: Account) -> dict[str, Any]:
    """Take and give back the lock of this environment, read and write its records; delete none."""
    bucket = account.bucket_arn(state_bucket_name(project, account))
    records = f"{RECORDS}{project}/{environment}/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Lock",
                "Effect": "Allow",
                "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                "Resource": [account.arn("dynamodb", f"table/{lock_table_name(project)}")],
                "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": f"{project}/{environment}"}},
            },
            {
                "Sid": "Records",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": [f"{bucket}/{records}"],
            },
            {
                "Sid": "ListRecords",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [bucket],
                "Condition": {"StringLike": {"s3:prefix": records}},
            },
        ],
    }
