"""The kinds of things that dify_aws makes in AWS, one file each."""

from dify_aws.resources.cloudtrail.trail import Trail
from dify_aws.resources.cloudwatch.alarm import Alarm
from dify_aws.resources.dynamodb.table import Table
from dify_aws.resources.ec2.availability_zone import Zone
from dify_aws.resources.ec2.instance import Instance
from dify_aws.resources.ec2.instance_type import InstanceType
from dify_aws.resources.ec2.key_pair import KeyPair
from dify_aws.resources.ec2.volume import Volume
from dify_aws.resources.iam.instance_profile import InstanceProfile
from dify_aws.resources.iam.oidc_provider import OidcProvider
from dify_aws.resources.iam.role import Role
from dify_aws.resources.logs.log_group import LogGroup
from dify_aws.resources.s3.bucket import Bucket
from dify_aws.resources.s3.lifecycle import LifecycleRule
from dify_aws.resources.s3.public_access_block import PublicAccessBlock
from dify_aws.resources.scheduler.schedule_group import ScheduleGroup
from dify_aws.resources.secretsmanager.stored_secret import StoredSecret
from dify_aws.resources.sns.topic import Topic
from dify_aws.resources.vpc.connect_endpoint import InstanceConnectEndpoint
from dify_aws.resources.vpc.elastic_ip import ElasticIp
from dify_aws.resources.vpc.existing_subnet import ExistingSubnet
from dify_aws.resources.vpc.existing_vpc import ExistingVpc
from dify_aws.resources.vpc.internet_gateway import InternetGateway
from dify_aws.resources.vpc.nat_gateway import NatGateway
from dify_aws.resources.vpc.route_table import RouteTable
from dify_aws.resources.vpc.security_group import SecurityGroup
from dify_aws.resources.vpc.security_group_rule import Rule
from dify_aws.resources.vpc.subnet import Subnet
from dify_aws.resources.vpc.vpc import Vpc
from dify_aws.resources.vpc.vpc_endpoint import VpcEndpoint

__all__ = [
    "Alarm",
    "Bucket",
    "ElasticIp",
    "ExistingSubnet",
    "ExistingVpc",
    "Instance",
    "InstanceConnectEndpoint",
    "InstanceProfile",
    "InstanceType",
    "InternetGateway",
    "KeyPair",
    "LifecycleRule",
    "LogGroup",
    "NatGateway",
    "OidcProvider",
    "PublicAccessBlock",
    "Role",
    "RouteTable",
    "Rule",
    "ScheduleGroup",
    "SecurityGroup",
    "StoredSecret",
    "Subnet",
    "Table",
    "Topic",
    "Trail",
    "Volume",
    "Vpc",
    "VpcEndpoint",
    "Zone",
]
