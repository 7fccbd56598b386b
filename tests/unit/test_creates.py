"""Every creation of the services that come next goes through the client as AWS takes it: tags, tokens, errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from botocore.validate import ParamValidator

from dify_aws.aws.create_request import NotTaggable, create_request, is_repeatable, token_member
from dify_aws.aws.errors.error_meaning import already_exists, is_deleted
from dify_aws.errors import AwsError
from tests.unit.test_create_request import model

TAGS: Final = {"Name": "dev", "dify-aws:address": "db/main"}
PAIRS: Final = [{"Key": key, "Value": value} for key, value in TAGS.items()]
LOWER: Final = [{"key": key, "value": value} for key, value in TAGS.items()]
MAP: Final = dict(TAGS)
ITEMS: Final = {"Items": PAIRS}
IN_GROUP: Final = [
    {**each, "ResourceId": "g", "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False} for each in PAIRS
]


@dataclass(frozen=True)
class Create:
    """How a creation has to be sent.

    Args:
        params: of the call, as short as botocore takes them.
        tags: the member that takes the tags, with dots for one inside of another; "" where there is none.
        form: what is in it.
        token: the characters of its client token; 0 where it takes none.
        repeatable: whether AWS makes one thing of two requests.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    tags: str = "Tags"
    form: Any = None
    token: int = 0
    repeatable: bool = True


def specified(type: str) -> list[dict[str, Any]]:
    return [{"ResourceType": type, "Tags": PAIRS}]


DB: Final = {"DBInstanceIdentifier": "a", "DBInstanceClass": "db.t4g.micro", "Engine": "postgres"}
TARGET: Final = {"ServiceNamespace": "ecs", "ResourceId": "r", "ScalableDimension": "ecs:service:DesiredCount"}
ORIGINS: Final = {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "a.example.com"}]}
DISTRIBUTION: Final = {
    "CallerReference": "r",
    "Origins": ORIGINS,
    "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
    "Comment": "",
    "Enabled": True,
}
VISIBILITY: Final = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
CHANGE: Final = {"Action": "UPSERT", "ResourceRecordSet": {"Name": "a.example.com", "Type": "A"}}
ACTIONS: Final = [{"Type": "forward", "TargetGroupArn": "t"}]

CREATES: Final[Mapping[str, Create]] = {
    "rds.CreateDBInstance": Create(DB, form=PAIRS),
    "rds.CreateDBCluster": Create({"DBClusterIdentifier": "a", "Engine": "aurora-postgresql"}, form=PAIRS),
    "rds.RestoreDBInstanceFromDBSnapshot": Create({"DBInstanceIdentifier": "a"}, form=PAIRS),
    "rds.RestoreDBClusterFromSnapshot": Create(
        {"DBClusterIdentifier": "a", "SnapshotIdentifier": "s", "Engine": "aurora-postgresql"}, form=PAIRS
    ),
    "rds.CreateDBSubnetGroup": Create(
        {"DBSubnetGroupName": "a", "DBSubnetGroupDescription": "d", "SubnetIds": []}, form=PAIRS
    ),
    "rds.CreateDBParameterGroup": Create(
        {"DBParameterGroupName": "a", "DBParameterGroupFamily": "f", "Description": "d"}, form=PAIRS
    ),
    "rds.CreateDBSnapshot": Create({"DBSnapshotIdentifier": "a", "DBInstanceIdentifier": "b"}, form=PAIRS),
    "ec2.CreateLaunchTemplate": Create(
        {"LaunchTemplateName": "a", "LaunchTemplateData": {}},
        tags="TagSpecifications",
        form=specified("launch-template"),
        token=64,
    ),
    "ec2.CreateSnapshot": Create(
        {"VolumeId": "vol-1"}, tags="TagSpecifications", form=specified("snapshot"), repeatable=False
    ),
    "ec2.CreateSnapshots": Create(
        {"InstanceSpecification": {"InstanceId": "i-1"}},
        tags="TagSpecifications",
        form=specified("snapshot"),
        repeatable=False,
    ),
    "cloudfront.CreateDistribution": Create({"DistributionConfig": DISTRIBUTION}, tags="", repeatable=False),
    "cloudfront.CreateDistributionWithTags": Create(
        {"DistributionConfigWithTags": {"DistributionConfig": DISTRIBUTION}},
        tags="DistributionConfigWithTags.Tags",
        form=ITEMS,
        repeatable=False,
    ),
    "cloudfront.CreateResponseHeadersPolicy": Create(
        {"ResponseHeadersPolicyConfig": {"Name": "a"}}, tags="", repeatable=False
    ),
    "cloudfront.CreateCachePolicy": Create(
        {"CachePolicyConfig": {"Name": "a", "MinTTL": 0}}, tags="", repeatable=False
    ),
    "cloudfront.CreateOriginAccessControl": Create(
        {
            "OriginAccessControlConfig": {
                "Name": "a",
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
        },
        tags="",
        repeatable=False,
    ),
    "cloudfront.CreateVpcOrigin": Create(
        {
            "VpcOriginEndpointConfig": {
                "Name": "a",
                "Arn": "arn:aws:elasticloadbalancing:x",
                "HTTPPort": 80,
                "HTTPSPort": 443,
                "OriginProtocolPolicy": "http-only",
            }
        },
        form=ITEMS,
        repeatable=False,
    ),
    "cloudfront.CreateFunction": Create(
        {"Name": "a", "FunctionConfig": {"Comment": "", "Runtime": "cloudfront-js-2.0"}, "FunctionCode": b"x"},
        form=ITEMS,
    ),
    "route53.CreateHostedZone": Create({"Name": "example.com"}, tags="", token=64),
    "route53.ChangeResourceRecordSets": Create(
        {"HostedZoneId": "z", "ChangeBatch": {"Changes": [CHANGE]}}, tags="", repeatable=False
    ),
    "autoscaling.CreateAutoScalingGroup": Create(
        {"AutoScalingGroupName": "g", "MinSize": 0, "MaxSize": 1}, form=IN_GROUP
    ),
    "autoscaling.PutScalingPolicy": Create({"AutoScalingGroupName": "g", "PolicyName": "p"}, tags=""),
    "application-autoscaling.PutScalingPolicy": Create({"PolicyName": "p", **TARGET}, tags=""),
    "application-autoscaling.RegisterScalableTarget": Create(TARGET, form=MAP, repeatable=False),
    "scheduler.CreateSchedule": Create(
        {
            "Name": "a",
            "ScheduleExpression": "rate(1 hour)",
            "Target": {"Arn": "a", "RoleArn": "r"},
            "FlexibleTimeWindow": {"Mode": "OFF"},
        },
        tags="",
        token=64,
    ),
    "scheduler.CreateScheduleGroup": Create({"Name": "a"}, form=PAIRS, token=64),
    "s3.PutBucketReplication": Create({"Bucket": "b", "ReplicationConfiguration": {"Role": "r", "Rules": []}}, tags=""),
    "budgets.CreateBudget": Create(
        {"AccountId": "123456789012", "Budget": {"BudgetName": "a", "TimeUnit": "MONTHLY", "BudgetType": "COST"}},
        tags="ResourceTags",
        form=PAIRS,
        repeatable=False,
    ),
    "ecs.CreateCluster": Create({"clusterName": "a"}, tags="tags", form=LOWER, repeatable=False),
    "ecs.RegisterTaskDefinition": Create(
        {"family": "a", "containerDefinitions": []}, tags="tags", form=LOWER, repeatable=False
    ),
    "ecs.CreateService": Create({"serviceName": "a"}, tags="tags", form=LOWER, token=36),
    "ecs.CreateCapacityProvider": Create({"name": "a"}, tags="tags", form=LOWER),
    "dlm.CreateLifecyclePolicy": Create(
        {"ExecutionRoleArn": "arn:aws:iam::1:role/r", "Description": "d", "State": "ENABLED"},
        form=MAP,
        repeatable=False,
    ),
    "elasticache.CreateReplicationGroup": Create(
        {"ReplicationGroupId": "a", "ReplicationGroupDescription": "d"}, form=PAIRS
    ),
    "elasticache.CreateCacheSubnetGroup": Create(
        {"CacheSubnetGroupName": "a", "CacheSubnetGroupDescription": "d", "SubnetIds": []}, form=PAIRS
    ),
    "elasticache.CreateUser": Create(
        {"UserId": "a", "UserName": "default", "Engine": "valkey", "AccessString": "on"}, form=PAIRS
    ),
    "wafv2.CreateWebACL": Create(
        {"Name": "a", "Scope": "CLOUDFRONT", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY},
        form=PAIRS,
    ),
    "wafv2.CreateIPSet": Create(
        {"Name": "a", "Scope": "CLOUDFRONT", "IPAddressVersion": "IPV4", "Addresses": []}, form=PAIRS
    ),
    "acm.RequestCertificate": Create({"DomainName": "a.example.com"}, form=PAIRS, token=32),
    "elbv2.CreateLoadBalancer": Create({"Name": "a"}, form=PAIRS),
    "elbv2.CreateTargetGroup": Create({"Name": "a"}, form=PAIRS),
    "elbv2.CreateListener": Create({"LoadBalancerArn": "a", "DefaultActions": ACTIONS}, form=PAIRS, repeatable=False),
    "elbv2.CreateRule": Create(
        {"ListenerArn": "a", "Conditions": [], "Priority": 1, "Actions": ACTIONS}, form=PAIRS, repeatable=False
    ),
    "servicediscovery.CreatePrivateDnsNamespace": Create({"Name": "a", "Vpc": "vpc-1"}, form=PAIRS, token=64),
    "servicediscovery.CreateService": Create({"Name": "a"}, form=PAIRS, token=64),
    "cloudwatch.PutDashboard": Create({"DashboardName": "a", "DashboardBody": "{}"}, form=PAIRS),
    "sqs.CreateQueue": Create({"QueueName": "a"}, tags="tags", form=MAP),
}
"""Each with what AWS takes. A creation that is not repeatable and whose answer was lost is looked for first."""


@pytest.mark.parametrize("operation", CREATES)
def test_tags_go_where_the_operation_takes_them(operation: str) -> None:
    """In the form of its model; botocore takes the whole request. Where there is no place, the caller is told so."""
    create = CREATES[operation]
    if not create.tags:
        with pytest.raises(NotTaggable, match="tagged=False"):
            create_request(model(operation), create.params, TAGS, generation=0)
    request: Any = create_request(model(operation), create.params, TAGS if create.tags else None, generation=0)
    shape: Any = model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    for part in create.tags.split(".") if create.tags else ():
        request = request[part]
    if create.tags:
        assert request == create.form


@pytest.mark.parametrize("operation", CREATES)
def test_tokens_are_as_long_as_the_operation_takes_them(operation: str) -> None:
    """And the same for the same request, so that AWS makes one thing of two."""
    create = CREATES[operation]
    name, tags = token_member(model(operation)), TAGS if create.tags else None
    requests = [create_request(model(operation), create.params, tags, generation=turn) for turn in (0, 0, 1)]
    tokens = [request.get(str(name), "") for request in requests]
    assert [len(token) for token in tokens] == [create.token] * 3
    assert tokens[0] == tokens[1]
    assert (tokens[1] != tokens[2]) is bool(create.token)


@pytest.mark.parametrize("operation", CREATES)
def test_what_would_be_made_twice_is_not_sent_twice(operation: str) -> None:
    """By botocore, when an answer was lost."""
    assert is_repeatable(model(operation)) is CREATES[operation].repeatable


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        ("rds.DeleteDBInstance", "DBInstanceNotFound", ""),
        ("rds.DeleteDBCluster", "DBClusterNotFoundFault", ""),
        ("rds.DeleteDBSubnetGroup", "DBSubnetGroupNotFoundFault", ""),
        ("rds.DeleteDBClusterSnapshot", "DBClusterSnapshotNotFoundFault", ""),
        ("elasticache.DeleteReplicationGroup", "ReplicationGroupNotFoundFault", ""),
        ("elasticache.DeleteCacheSubnetGroup", "CacheSubnetGroupNotFoundFault", ""),
        ("elasticache.DeleteUser", "UserNotFound", ""),
        ("cloudfront.DeleteDistribution", "NoSuchDistribution", ""),
        ("cloudfront.DeleteResponseHeadersPolicy", "NoSuchResponseHeadersPolicy", ""),
        ("cloudfront.DeleteCachePolicy", "NoSuchCachePolicy", ""),
        ("cloudfront.DeleteVpcOrigin", "EntityNotFound", ""),
        ("route53.DeleteHostedZone", "NoSuchHostedZone", ""),
        ("wafv2.DeleteWebACL", "WAFNonexistentItemException", ""),
        ("acm.DeleteCertificate", "ResourceNotFoundException", ""),
        ("elbv2.DeleteRule", "RuleNotFound", ""),
        ("elbv2.DeleteTargetGroup", "TargetGroupNotFound", ""),
        ("servicediscovery.DeleteNamespace", "NamespaceNotFound", ""),
        ("ecs.DeleteService", "ServiceNotFoundException", ""),
        ("ecs.DescribeTaskDefinition", "ClientException", "Unable to describe task definition."),
        ("autoscaling.DeleteAutoScalingGroup", "ValidationError", "AutoScalingGroup name not found - null"),
        ("application-autoscaling.DeregisterScalableTarget", "ObjectNotFoundException", ""),
        ("ec2.DeleteLaunchTemplate", "InvalidLaunchTemplateId.NotFound", ""),
        ("ec2.DescribeLaunchTemplates", "InvalidLaunchTemplateName.NotFoundException", ""),
        ("ec2.DeleteNatGateway", "NatGatewayNotFound", ""),
        ("ec2.ReleaseAddress", "InvalidAllocationID.NotFound", ""),
        ("ec2.DeleteRouteTable", "InvalidRouteTableID.Malformed", ""),
        ("dlm.DeleteLifecyclePolicy", "ResourceNotFoundException", ""),
        ("budgets.DeleteBudget", "NotFoundException", ""),
        ("sqs.DeleteQueue", "AWS.SimpleQueueService.NonExistentQueue", ""),
        ("iam.DeleteRole", "NoSuchEntity", ""),
        ("s3.DeleteBucket", "NoSuchBucket", ""),
        ("cloudtrail.DeleteTrail", "TrailNotFoundException", ""),
        ("sns.DeleteTopic", "NotFound", ""),
    ],
)
def test_what_is_not_there_is_known_for_each_service(operation: str, code: str, message: str) -> None:
    """And is not taken for a thing that exists, nor does it mean the same in another service."""
    assert is_deleted(AwsError(operation, code, message))
    assert not already_exists(AwsError(operation, code, message))


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        ("rds.CreateDBInstance", "DBInstanceAlreadyExists", ""),
        ("rds.CreateDBCluster", "DBClusterAlreadyExistsFault", ""),
        ("rds.CreateDBSubnetGroup", "DBSubnetGroupAlreadyExists", ""),
        ("elasticache.CreateReplicationGroup", "ReplicationGroupAlreadyExists", ""),
        ("elasticache.CreateUser", "DuplicateUserName", ""),
        ("cloudfront.CreateDistribution", "DistributionAlreadyExists", ""),
        ("cloudfront.CreateResponseHeadersPolicy", "ResponseHeadersPolicyAlreadyExists", ""),
        ("route53.CreateHostedZone", "HostedZoneAlreadyExists", ""),
        ("wafv2.CreateWebACL", "WAFDuplicateItemException", ""),
        ("elbv2.CreateLoadBalancer", "DuplicateLoadBalancerName", ""),
        ("elbv2.CreateListener", "DuplicateListener", ""),
        ("elbv2.CreateRule", "PriorityInUse", ""),
        ("ecs.CreateService", "InvalidParameterException", "Creation of service was not idempotent."),
        ("servicediscovery.CreatePrivateDnsNamespace", "DuplicateRequest", ""),
        ("scheduler.CreateScheduleGroup", "ConflictException", ""),
        ("autoscaling.CreateAutoScalingGroup", "AlreadyExists", ""),
        ("budgets.CreateBudget", "DuplicateRecordException", ""),
        ("ec2.CreateLaunchTemplate", "InvalidLaunchTemplateName.AlreadyExistsException", ""),
        ("dynamodb.CreateTable", "ResourceInUseException", ""),
        ("sqs.CreateQueue", "QueueAlreadyExists", ""),
        ("iam.CreateRole", "EntityAlreadyExists", ""),
        ("s3.CreateBucket", "BucketAlreadyOwnedByYou", ""),
        ("secretsmanager.CreateSecret", "ResourceExistsException", ""),
        ("logs.CreateLogGroup", "ResourceAlreadyExistsException", ""),
        ("cloudtrail.CreateTrail", "TrailAlreadyExistsException", ""),
    ],
)
def test_what_exists_already_is_known_for_each_service(operation: str, code: str, message: str) -> None:
    assert already_exists(AwsError(operation, code, message))
    assert not is_deleted(AwsError(operation, code, message))


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        # In other services these codes mean what they say in EC2, DynamoDB or IAM.
        ("acm.DeleteCertificate", "ResourceInUseException", "the certificate is in use"),
        ("autoscaling.DeleteAutoScalingGroup", "ValidationError", "1 validation error detected"),
        ("ecs.CreateService", "InvalidParameterException", "unable to assume the service linked role"),
        ("s3.GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError", ""),
        ("s3.CreateBucket", "BucketAlreadyExists", "of another account"),
        ("rds.CreateDBInstance", "InvalidParameterValue", "not found"),
    ],
)
def test_what_means_neither_is_raised(operation: str, code: str, message: str) -> None:
    error = AwsError(operation, code, message)
    assert not is_deleted(error)
    assert not already_exists(error)
