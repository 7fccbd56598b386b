"""Addresses and names in the bed's world. Each bed has namespaces of its own, so all of them use the same."""

from dify_aws.regions import REGIONS

SUBNET = "10.0.0"
GATEWAY = f"{SUBNET}.1"
RESOLVER = f"{SUBNET}.2"  # as in a VPC: the base of the network plus two
GUEST = f"{SUBNET}.10"
METADATA = "169.254.169.254"
MAC = "02:00:00:00:00:0a"
HOSTNAME = f"ip-{GUEST.replace('.', '-')}"
REGION = "us-east-1"

UBUNTU = ("archive.ubuntu.com", "security.ubuntu.com", f"{REGION}.ec2.archive.ubuntu.com")
DOCKER = "download.docker.com"
# One bucket for all, and one in each region.
AGENTS = (
    "amazoncloudwatch-agent.s3.amazonaws.com",
    *(
        f"amazoncloudwatch-agent-{region}.s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
        for region in sorted(REGIONS)
    ),
)
REGISTRIES = ("registry-1.docker.io", "ghcr.io", "cr.weaviate.io", "public.ecr.aws")
AUTHORITIES = ("acme-v02.api.letsencrypt.org", "acme-staging-v02.api.letsencrypt.org")
SERVED = (*UBUNTU, DOCKER, *AGENTS, *REGISTRIES, *AUTHORITIES)
