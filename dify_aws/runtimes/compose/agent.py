"""Agent: the CloudWatch agent, where AWS keeps its package for each region, and how it is called on the machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dify_aws.host.steps.listening import Listening
from dify_aws.host.steps.signed_package import SignedPackage
from dify_aws.instance_types import Architecture

PACKAGE: Final = "amazon-cloudwatch-agent"
UNIT: Final = "amazon-cloudwatch-agent.service"
LOG: Final = "/opt/aws/amazon-cloudwatch-agent/logs/amazon-cloudwatch-agent.log"
STATSD_PORT: Final = 8125


def agent_package(
    region: str, fingerprint: str, *, architecture: Architecture = "amd64", needs: Sequence[str] | None = None
) -> SignedPackage:
    """The package of Ubuntu, from the bucket of this region, so that it comes by the S3 endpoint of the VPC.

    Each architecture has its own package with its own signature; the key is the same.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/verify-CloudWatch-Agent-Package-Signature.html
    """
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    bucket = f"https://amazoncloudwatch-agent-{region}.s3.{region}.{domain}"
    # The documentation gives one address for the key, whatever the region.
    return SignedPackage(
        package=PACKAGE,
        url=f"{bucket}/ubuntu/{architecture}/latest/amazon-cloudwatch-agent.deb",
        key_url="https://amazoncloudwatch-agent.s3.amazonaws.com/assets/amazon-cloudwatch-agent.gpg",
        fingerprint=fingerprint,
        needs=needs,
    )


def agent_answers(*, needs: Sequence[str] | None = None) -> Listening:
    """That the agent has read its configuration and listens: it is "active" for systemd before it has looked at it."""
    return Listening(port=STATSD_PORT, unit=UNIT, log=LOG, needs=needs)
