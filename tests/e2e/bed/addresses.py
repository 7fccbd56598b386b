"""Addresses and names in the bed's world. Each bed has namespaces of its own, so all of them use the same."""

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
REGISTRIES = ("registry-1.docker.io", "ghcr.io", "cr.weaviate.io", "public.ecr.aws")
SERVED = (*UBUNTU, DOCKER, *REGISTRIES)
