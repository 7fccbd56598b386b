"""The kinds of things that dify_aws makes in AWS, one file each."""

from dify_aws.resources.alarm import Alarm
from dify_aws.resources.bucket import Bucket
from dify_aws.resources.connect_endpoint import InstanceConnectEndpoint
from dify_aws.resources.elastic_ip import ElasticIp
from dify_aws.resources.existing_subnet import ExistingSubnet
from dify_aws.resources.existing_vpc import ExistingVpc
from dify_aws.resources.instance import Instance
from dify_aws.resources.instance_profile import InstanceProfile
from dify_aws.resources.instance_type import InstanceType
from dify_aws.resources.internet_gateway import InternetGateway
from dify_aws.resources.key_pair import KeyPair
from dify_aws.resources.lifecycle import LifecycleRule
from dify_aws.resources.log_group import LogGroup
from dify_aws.resources.nat_gateway import NatGateway
from dify_aws.resources.oidc_provider import OidcProvider
from dify_aws.resources.public_access_block import PublicAccessBlock
from dify_aws.resources.role import Role
from dify_aws.resources.route_table import RouteTable
from dify_aws.resources.schedule_group import ScheduleGroup
from dify_aws.resources.security_group import Rule, SecurityGroup
from dify_aws.resources.stored_secret import StoredSecret
from dify_aws.resources.subnet import Subnet
from dify_aws.resources.table import Table
from dify_aws.resources.topic import Topic
from dify_aws.resources.trail import Trail
from dify_aws.resources.volume import Volume
from dify_aws.resources.vpc import Vpc
from dify_aws.resources.vpc_endpoint import VpcEndpoint
from dify_aws.resources.zone import Zone

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
