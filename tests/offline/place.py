"""Place: a VPC with a way to the internet and one subnet, where a test puts what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@dataclass(frozen=True)
class Place:
    ec2: EC2Client
    image: str
    vpc: str
    gateway: str
    subnet: str

    def launch(self, **parameters: Any) -> str:
        """Run one instance, and return its id."""
        request = {"ImageId": self.image, "InstanceType": "t3.medium", "SubnetId": self.subnet, **parameters}
        return self.ec2.run_instances(MinCount=1, MaxCount=1, **request)["Instances"][0]["InstanceId"]

    def instance(self, instance_id: str) -> Any:
        """The instance as DescribeInstances tells it."""
        return self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def state(self, instance_id: str) -> str:
        """The name of its state."""
        return str(self.instance(instance_id)["State"]["Name"])

    def volume(self, size: int = 10, **parameters: Any) -> str:
        """Create a volume in the zone of the subnet, and return its id."""
        zone = self.ec2.describe_subnets(SubnetIds=[self.subnet])["Subnets"][0]["AvailabilityZone"]
        return self.ec2.create_volume(**{"AvailabilityZone": zone, "Size": size, "VolumeType": "gp3", **parameters})[
            "VolumeId"
        ]

    def address(self) -> str:
        """Allocate an address, and return its allocation id."""
        return self.ec2.allocate_address(Domain="vpc")["AllocationId"]

    def nat_gateway(self, **parameters: Any) -> str:
        """Create a NAT gateway, with an address of its own unless one is named, and return its id."""
        request = {
            "SubnetId": self.subnet,
            "AllocationId": parameters.pop("AllocationId", None) or self.address(),
            **parameters,
        }
        return self.ec2.create_nat_gateway(**request)["NatGateway"]["NatGatewayId"]


def make_place(ec2: EC2Client) -> Place:
    """Make one, with an internet gateway attached."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="ap-northeast-1a")
    images = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"]
    return Place(ec2, images[0]["ImageId"], vpc, gateway, subnet["Subnet"]["SubnetId"])
