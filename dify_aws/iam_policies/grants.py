"""Grants: for each IAM action that we need, on what, and on what condition: the narrowest that AWS can judge.

What an action can be narrowed by is written in the service authorization reference, one page a service:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html

Things of EC2 have ids of AWS's, so our tag is what tells them. Things with a name are told by it, and not by their tag
as well: AWS answers "denied" and not "there is none" to whoever asks by tag for a thing that is not there (yet, or any
more), and a run has to know the difference. Only their deletion asks for the tag too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dify_aws.aws.create_request import OWNERSHIP_PREFIX, TAG_DEPLOYMENT
from dify_aws.settings.aws_rules import NO_BOUNDARY

Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]
"""By operator, then by key. ``StringIs`` is StringEquals, or StringLike where a value has an asterisk."""


@dataclass(frozen=True)
class Grant:
    """One statement.

    Args:
        sid: its name.
        actions: without the service, one group a service: "ec2:CreateVpc CreateSubnet s3:GetObject".
        on: ARNs without "arn:" and the partition, or "*"; fields in braces are filled in.
        when: the condition.
    """

    sid: str
    actions: str
    on: tuple[str, ...]
    when: Condition = field(default_factory=dict)

    def named(self) -> tuple[str, ...]:
        """The actions in full.

        >>> Grant("X", "s3:GetObject PutObject sns:Subscribe", ()).named()
        ('s3:GetObject', 's3:PutObject', 'sns:Subscribe')
        """
        service, found = "", []
        for word in self.actions.split():
            service, _, name = word.rpartition(":") if ":" in word else (service, "", word)
            found.append(f"{service}:{name}")
        return tuple(found)


OURS: Final = {"StringIs": {f"aws:ResourceTag/{TAG_DEPLOYMENT}": "{deployment}"}}
CREATED_OURS: Final = {"StringIs": {f"aws:RequestTag/{TAG_DEPLOYMENT}": "{deployment}"}}
OURS_OFF: Final = {**OURS, "ForAllValues:StringLike": {"aws:TagKeys": OWNERSHIP_PREFIX + "*"}}
"""Only our own tags are taken off, and only what is ours."""
HERE: Final = {"StringIs": {"aws:RequestedRegion": "{region}"}}

EC2: Final = "ec2:{region}:{account}:"
ROLES: Final = "iam::{account}:role/dify-aws/{deployment}/{region}/*"
PROFILES: Final = ROLES.replace(":role/", ":instance-profile/")
IDENTITIES_OF_ALL: Final = tuple(f"iam::{{account}}:{each}/*" for each in ("instance-profile", "role"))
ALARMS: Final = "cloudwatch:{region}:{account}:alarm:{name}--*"
LOGS: Final = "logs:{region}:{account}:log-group:/{deployment}/*"
SECRETS: Final = "secretsmanager:{region}:{account}:secret:{deployment}/*"
TOPICS: Final = "sns:{region}:{account}:{name}--*"
SCHEDULES: Final = "scheduler:{region}:{account}:schedule-group/{name}--leases"
LEASES: Final = "scheduler:{region}:{account}:schedule/{name}--leases/*"
BUCKET: Final = "s3:::{name}-{account}-{region}"
STATE: Final = "s3:::{project}--foundation--state-{account}-{region}"
LOCKS: Final = "dynamodb:{region}:{account}:table/{project}-aws-locks"

MADE: Final = (
    "AllocateAddress CreateInstanceConnectEndpoint CreateInternetGateway CreateNatGateway CreateRouteTable "
    "CreateSecurityGroup CreateSubnet CreateVolume CreateVpc CreateVpcEndpoint ImportKeyPair RunInstances"
)
LOOKING: Final = (
    # None of these knows resources; they tell names and states, and no secret.
    Grant(
        "Look",
        "cloudtrail:LookupEvents cloudwatch:GetMetricData "
        "ec2:DescribeAddresses DescribeEgressOnlyInternetGateways DescribeIamInstanceProfileAssociations "
        "DescribeImages DescribeInstanceConnectEndpoints DescribeInstanceCreditSpecifications DescribeInstanceStatus "
        "DescribeInstanceTypeOfferings DescribeInstanceTypes DescribeInstances DescribeInternetGateways "
        "DescribeKeyPairs DescribeNatGateways DescribeNetworkAcls DescribeNetworkInterfaces DescribeRegions "
        "DescribeRouteTables DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets "
        "DescribeTransitGatewayVpcAttachments DescribeVolumes DescribeVolumesModifications DescribeVpcEndpoints "
        "DescribeVpcPeeringConnections DescribeVpcs DescribeVpnGateways logs:DescribeLogGroups "
        "scheduler:ListScheduleGroups servicequotas:GetAWSDefaultServiceQuota GetServiceQuota tag:GetResources",
        ("*",),
        HERE,
    ),
    # IAM is in no region, and there is one price list for all.
    Grant("Beyond", "iam:ListInstanceProfiles ListRoles pricing:GetProducts", ("*",)),
    # Of what is not there (yet) IAM knows no path, so whoever could ask only about ours would hear "denied", and not
    # "there is none".
    Grant(
        "ReadIam",
        "iam:GetInstanceProfile GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies",
        IDENTITIES_OF_ALL,
    ),
    Grant("LookAtVpcs", "ec2:DescribeVpcAttribute", (EC2 + "vpc/*",)),
    # They are listed by what their names begin with, which IAM does not look at.
    Grant("Alarms", "cloudwatch:DescribeAlarms", ("cloudwatch:{region}:{account}:alarm:*",)),
    # Public parameters are in no account.
    Grant("FindImage", "ssm:GetParameter", ("ssm:{region}:*:parameter/aws/service/canonical/*",)),
)

NETWORK: Final = (
    Grant("Make", f"ec2:{MADE}", (EC2 + "*",), CREATED_OURS),
    Grant(
        "TagMade",
        "ec2:CreateTags",
        (EC2 + "*",),
        # Only while something is being made: whoever could tag what is there could make it look as if it were ours.
        {"Null": {"ec2:CreateAction": "false"}, **CREATED_OURS},
    ),
    # Whatever is ours, and what new things of ours are put into or stand on.
    Grant(
        "Change",
        "ec2:AssociateAddress AssociateIamInstanceProfile AssociateRouteTable AttachInternetGateway AttachVolume "
        "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateInstanceConnectEndpoint CreateNatGateway "
        "CreateNetworkInterface CreateRoute CreateRouteTable CreateSecurityGroup CreateSubnet CreateTags "
        "CreateVpcEndpoint DeleteInstanceConnectEndpoint DeleteInternetGateway DeleteKeyPair DeleteNatGateway "
        "DeleteRoute DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteVolume DeleteVpc DeleteVpcEndpoints "
        "DescribeInstanceAttribute DetachInternetGateway DisassociateRouteTable GetConsoleOutput "
        "ModifyInstanceAttribute ModifyInstanceConnectEndpoint ModifyInstanceCreditSpecification "
        "ModifyInstanceMetadataOptions ModifySubnetAttribute ModifyVolume ModifyVpcAttribute "
        "ModifyVpcEndpoint ReleaseAddress ReplaceIamInstanceProfileAssociation ReplaceRoute "
        "ReplaceRouteTableAssociation RevokeSecurityGroupEgress RevokeSecurityGroupIngress RunInstances "
        "StartInstances StopInstances TerminateInstances",
        (EC2 + "*",),
        OURS,
    ),
    # Rules, and the interface of the endpoint (which is AWS's own), are judged together with the group and the subnet:
    # those have to be ours.
    Grant(
        "Beside",
        "ec2:AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateNetworkInterface",
        (EC2 + "network-interface/*", EC2 + "security-group-rule/*"),
    ),
    Grant("Start", "ec2:RunInstances", ("ec2:{region}::image/{image}",)),
    Grant(
        "EndLeases",
        "ec2:DeleteTags",
        (EC2 + "security-group-rule/*",),
        OURS_OFF,
    ),
    # A main route table that was adopted is given up when it is retired: AWS deletes it with its VPC only.
    Grant(
        "GiveUp",
        "ec2:DeleteTags",
        (EC2 + "route-table/*",),
        OURS_OFF,
    ),
    Grant(
        "Tunnel",
        "ec2-instance-connect:OpenTunnel",
        (EC2 + "instance-connect-endpoint/*",),
        {**OURS, "NumericEquals": {"ec2-instance-connect:remotePort": "22"}},
    ),
    Grant(
        "TunnelRole",
        "iam:CreateServiceLinkedRole",
        ("iam::{account}:role/aws-service-role/ec2-instance-connect.amazonaws.com/*",),
        {"StringEquals": {"iam:AWSServiceName": "ec2-instance-connect.amazonaws.com"}},
    ),
)

IDENTITIES: Final = (
    Grant("MakeIdentities", "iam:CreateInstanceProfile CreateRole", (ROLES, PROFILES), CREATED_OURS),
    Grant(
        "Identities",
        "iam:AddRoleToInstanceProfile DeleteInstanceProfile DeleteRole DeleteRolePolicy DetachRolePolicy "
        "PutRolePolicy RemoveRoleFromInstanceProfile TagInstanceProfile TagRole UpdateAssumeRolePolicy",
        (ROLES, PROFILES),
    ),
    # EC2 has a name of its own in China. https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
    # Each role trusts its own service only; who may write the policies of all below this path hands on what it likes.
    Grant(
        "PassRoles",
        "iam:PassRole",
        (ROLES,),
        {
            "StringEquals": {
                "iam:PassedToService": ("ec2.amazonaws.com", "ec2.amazonaws.com.cn", "scheduler.amazonaws.com")
            }
        },
    ),
)

BY_BOUNDARY: Final = frozenset({"iam:CreateRole", "iam:PutRolePolicy"})
"""What IAM judges by the boundary of the role, and gives a role more rights."""


def bounded(grants: Iterable[Grant], boundary: str | None) -> Iterator[Grant]:
    """The grants for who may make roles only with this permissions boundary, put it on, and never take it off.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
    """
    for grant in grants:
        judged = [action for action in grant.named() if action in BY_BOUNDARY]
        if boundary in (None, NO_BOUNDARY) or not judged:
            yield grant
            continue
        if rest := [action for action in grant.named() if action not in BY_BOUNDARY]:
            yield replace(grant, actions=" ".join(rest))
        if "iam:PutRolePolicy" in judged:
            judged.append("iam:PutRolePermissionsBoundary")
        condition = {**grant.when.get("StringIs", {}), "iam:PermissionsBoundary": boundary}
        yield Grant(f"{grant.sid}Bounded", " ".join(judged), grant.on, {**grant.when, "StringIs": condition})


STORAGE: Final = (
    # aws:ResourceTag counts only for buckets where that was switched on.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html
    Grant(
        "Bucket",
        "s3:CreateBucket DeleteBucket GetBucketOwnershipControls GetBucketPolicy "
        "GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning GetEncryptionConfiguration "
        "GetLifecycleConfiguration ListBucketMultipartUploads ListBucketVersions PutBucketOwnershipControls "
        "PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning PutEncryptionConfiguration "
        "PutLifecycleConfiguration TagResource",
        (BUCKET,),
    ),
    Grant("Empty", "s3:AbortMultipartUpload DeleteObject DeleteObjectVersion", (BUCKET + "/*",)),
    Grant("Records", "s3:GetObject PutObject", (STATE + "/records/{deployment}/*",)),
    Grant("ListRecords", "s3:ListBucket", (STATE,), {"StringLike": {"s3:prefix": "records/{deployment}/*"}}),
    Grant("ListBackups", "s3:ListBucket", (BUCKET,), {"StringLike": {"s3:prefix": "backups/*"}}),
)

NAMED: Final = (
    # Our tag is not put on what is another deployment's: whoever could do that could delete it.
    Grant(
        "MakeNamed",
        "cloudwatch:TagResource logs:CreateLogGroup TagResource scheduler:CreateScheduleGroup TagResource "
        "secretsmanager:CreateSecret TagResource sns:CreateTopic TagResource",
        (ALARMS, LOGS, SCHEDULES, SECRETS, TOPICS),
        {**CREATED_OURS, "StringIsIfExists": OURS["StringIs"]},
    ),
    Grant(
        "Named",
        "cloudwatch:ListTagsForResource PutMetricAlarm "
        "logs:ListTagsForResource PutRetentionPolicy "
        "scheduler:GetScheduleGroup ListTagsForResource "
        "secretsmanager:DescribeSecret GetSecretValue PutSecretValue RestoreSecret UpdateSecret "
        "sns:ListSubscriptionsByTopic ListTagsForResource",
        (ALARMS, LOGS, SCHEDULES, SECRETS, TOPICS),
    ),
    Grant("Leases", "scheduler:CreateSchedule DeleteSchedule GetSchedule UpdateSchedule", (LEASES,)),
    Grant(
        "NamedAndOurs",
        "cloudwatch:DeleteAlarms TagResource logs:DeleteLogGroup TagResource scheduler:DeleteScheduleGroup TagResource "
        "secretsmanager:DeleteSecret TagResource sns:DeleteTopic TagResource",
        (ALARMS, LOGS, SCHEDULES, SECRETS, TOPICS),
        OURS,
    ),
    Grant("Subscribe", "sns:Subscribe", (TOPICS,), {"StringEquals": {"sns:Protocol": "email"}}),
    # SNS knows no resource here.
    Grant("Unsubscribe", "sns:Unsubscribe", ("*",), HERE),
    # Of the one table for all environments, the one item that is this deployment's.
    Grant(
        "Lock",
        "dynamodb:GetItem PutItem UpdateItem",
        (LOCKS,),
        {"ForAllValues:StringIs": {"dynamodb:LeadingKeys": "{deployment}"}},
    ),
    Grant("LockTable", "dynamodb:CreateTable DescribeTable ListTagsOfResource TagResource", (LOCKS,)),
)
