"""Publishers: whose packages are installed, by the fingerprints of the keys that they sign with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Publishers:
    """The primary key of each, as 40 hexadecimal digits.

    Args:
        docker: https://docs.docker.com/engine/install/debian/ and Docker's page for Ubuntu before it.
        cloudwatch_agent: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/verify-CloudWatch-Agent-Package-Signature.html
    """

    docker: str = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
    cloudwatch_agent: str = "937616F3450B7D806CBD9725D58167303B789C72"
