"""Image: which AMI a new instance is made from. Asked only when one is made."""

from __future__ import annotations

from typing import Any

from dify_aws.aws import Aws
from dify_aws.errors import AwsError


def find_image(aws: Aws, image: str) -> dict[str, Any]:
    """The image that is called so, as DescribeImages tells it. ``image`` is an AMI id, or an SSM parameter with one."""
    if image.startswith("/"):
        image = aws.call("ssm.GetParameter", Name=image)["Parameter"]["Value"]
    found = aws.pages("ec2.DescribeImages", "Images", ImageIds=[image])
    if not found:
        raise AwsError("ec2.DescribeImages", "InvalidAMIID.NotFound", f"there is no image {image} in {aws.region}")
    return found[0]
