"""Quotas: which quota of an account an error code of AWS speaks of, and where to raise it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Quota:
    """A quota as Service Quotas knows it."""

    name: str
    service: str
    code: str

    def advice(self, region: str) -> str:
        """What to do when it is used up."""
        where = f"https://{region}.console.aws.amazon.com/servicequotas/home/services/{self.service}/quotas/{self.code}"
        return (
            f'The quota "{self.name}" of this account in {region} is used up. Free one that nobody needs, '
            f"or ask for more at {where}, then run again."
        )


QUOTAS: Final = {
    "VpcLimitExceeded": Quota("VPCs per Region", "vpc", "L-F678F1CE"),
    "SubnetLimitExceeded": Quota("Subnets per VPC", "vpc", "L-407747CB"),
    "AddressLimitExceeded": Quota("EC2-VPC Elastic IPs", "ec2", "L-0263D0A3"),
    "InternetGatewayLimitExceeded": Quota("Internet gateways per Region", "vpc", "L-A4707A72"),
    "NatGatewayLimitExceeded": Quota("NAT gateways per Availability Zone", "vpc", "L-FE5A380F"),
    "RouteTableLimitExceeded": Quota("Route tables per VPC", "vpc", "L-589F43AA"),
    "RouteLimitExceeded": Quota("Routes per route table", "vpc", "L-93826ACB"),
    "SecurityGroupLimitExceeded": Quota("VPC security groups per Region", "vpc", "L-E79EC296"),
    "SecurityGroupsPerInterfaceLimitExceeded": Quota("Security groups per network interface", "vpc", "L-2AFB9258"),
    "RulesPerSecurityGroupLimitExceeded": Quota("Inbound or outbound rules per security group", "vpc", "L-0EA8095F"),
    "VpcEndpointLimitExceeded": Quota("Gateway VPC endpoints per Region", "vpc", "L-1B52E74A"),
    "InstanceLimitExceeded": Quota("Running On-Demand Standard instances (vCPUs)", "ec2", "L-1216C47A"),
    "VcpuLimitExceeded": Quota("Running On-Demand Standard instances (vCPUs)", "ec2", "L-1216C47A"),
    "VolumeLimitExceeded": Quota("Storage for gp3 volumes, in TiB", "ebs", "L-7A658B76"),
    "TooManyBuckets": Quota("General purpose buckets", "s3", "L-DC2B2D3D"),
}

IAM_QUOTA: Final = "A quota of IAM is used up (it names it). Raise it at https://console.aws.amazon.com/servicequotas/."
