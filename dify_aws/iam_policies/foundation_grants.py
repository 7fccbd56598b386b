"""FoundationGrants: what making the foundation needs, and what nobody else is given: see grants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dify_aws.aws.create_request import TAG_DEPLOYMENT
from dify_aws.iam_policies.grants import BUCKET, CREATED_OURS, EC2, HERE, LOCKS, ROLES, STORAGE, Grant
from dify_aws.settings import Settings
from dify_aws.topologies.foundation import GITHUB

BUCKETS: Final = tuple(BUCKET.replace("{name}-", f"{{name}}--{each}-") for each in ("calls", "state"))
PROVIDER: Final = f"iam::{{account}}:oidc-provider/{GITHUB}"
TRAIL: Final = "cloudtrail:{region}:{account}:trail/{name}--calls"

# A run looks for everything that it may have made, also for kinds that no foundation has today.
FOUNDATION_LOOKING: Final = (
    Grant(
        "Look",
        "ec2:DescribeAddresses DescribeInstanceConnectEndpoints DescribeInstances DescribeInternetGateways "
        "DescribeKeyPairs DescribeNatGateways DescribeRouteTables DescribeSecurityGroups "
        "DescribeSubnets DescribeVolumes DescribeVpcEndpoints DescribeVpcs scheduler:ListScheduleGroups "
        "tag:GetResources",
        ("*",),
        HERE,
    ),
    Grant("LookBeyond", "iam:ListInstanceProfiles ListOpenIDConnectProviders ListRoles", ("*",)),
    Grant(
        "LookAtIdentities",
        "iam:GetOpenIDConnectProvider GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies",
        ("iam::{account}:oidc-provider/*", "iam::{account}:role/*"),
    ),
    # Also those of the organization, which are in another account.
    Grant("Trails", "cloudtrail:DescribeTrails", ("*",)),
    # There is no narrower one for what counts for the whole account.
    Grant("Account", "s3:GetAccountPublicAccessBlock PutAccountPublicAccessBlock", ("*",)),
)

FOUNDATION: Final = (
    Grant("Buckets", STORAGE[0].actions, BUCKETS),
    Grant("Empty", STORAGE[1].actions, tuple(f"{each}/*" for each in BUCKETS)),
    Grant(
        "Trail",
        "cloudtrail:AddTags CreateTrail DeleteTrail GetTrail GetTrailStatus ListTags StartLogging UpdateTrail",
        (TRAIL,),
    ),
    Grant("Locks", "dynamodb:CreateTable DeleteTable DescribeTable ListTagsOfResource TagResource", (LOCKS,)),
    Grant("MakeRole", "iam:CreateRole", (ROLES,), CREATED_OURS),
    Grant(
        "Role",
        "iam:DeleteRole DeleteRolePolicy DetachRolePolicy PutRolePolicy TagRole UpdateAssumeRolePolicy",
        (ROLES,),
    ),
    Grant(
        "Provider",
        "iam:AddClientIDToOpenIDConnectProvider CreateOpenIDConnectProvider DeleteOpenIDConnectProvider "
        "RemoveClientIDFromOpenIDConnectProvider TagOpenIDConnectProvider",
        (PROVIDER,),
    ),
)

ADOPTION: Final = (
    Grant(
        "Adopt",
        "ec2:CreateTags",
        (EC2 + "*",),
        {**CREATED_OURS, "Null": {f"aws:ResourceTag/{TAG_DEPLOYMENT}": "true"}},
    ),
)


def existing(settings: Settings) -> Iterator[Grant]:
    """A network that is somebody else's: things of ours are put into it, and nothing of it is changed."""
    if settings.vpc_id:
        yield Grant("ExistingVpc", "ec2:CreateSecurityGroup", (f"{EC2}vpc/{settings.vpc_id}",))
        subnets = sorted({each for each in (settings.public_subnet_id, settings.private_subnet_id) if each})
        yield Grant(
            "ExistingSubnets",
            "ec2:CreateInstanceConnectEndpoint CreateNetworkInterface RunInstances",
            tuple(f"{EC2}subnet/{each}" for each in subnets),
        )
