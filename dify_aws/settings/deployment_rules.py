"""DeploymentRules: what a project and an environment may be called, so that no two deployments are taken for one."""

from __future__ import annotations

from typing import Final

from dify_aws.settings.rules import Broken, label

FOUNDATION: Final = "foundation"
"""The second part of the name of what all environments of a project share."""

RESERVED_BY_S3: Final = ("amzn-s3-demo-", "sthree-", "xn--")
"""What the names of buckets may not begin with.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""


def project(value: object) -> str:
    """The first part of every name in AWS, which must not be a name of AWS's own."""
    written = label(value)
    if written == "aws":
        # The log groups of all functions of Lambda, say, are /aws/lambda/….
        raise Broken(("is what AWS calls its own things", 'Choose another, like "dify"'))
    if f"{written}--".startswith(RESERVED_BY_S3):
        raise Broken(("begins as no name of a bucket may", 'Choose another, like "dify"'))
    return written


def environment(value: object) -> str:
    """The second part of every name in AWS, which must not be the foundation's."""
    written = label(value)
    if written == FOUNDATION:
        right = "Choose another: that is the name of what all environments of a project share"
        raise Broken(("is the name of the foundation", right))
    return written
