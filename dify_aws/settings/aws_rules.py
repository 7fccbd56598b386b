"""Rules for the settings that AWS has a list or a form for: its region, types, ids and times."""

import re
from collections.abc import Callable
from typing import Final

from dify_aws.regions import REGIONS
from dify_aws.settings.rules import Broken, did_you_mean, text, whole_number

RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_INSTANCE_TYPE: Final = re.compile(
    r"[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|xlarge|[0-9]+xlarge|metal(-[0-9]+xl)?)"
)
NO_BOUNDARY: Final = "none"
_ZONE: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]")
_BOUNDARY: Final = re.compile(
    r"arn:aws(-cn|-us-gov)?:iam::([0-9]{12}|aws):policy/([A-Za-z0-9+=,.@_-]+/){0,9}[A-Za-z0-9+=,.@_-]{1,128}"
)
_IMAGE_ID: Final = re.compile(r"ami-[0-9a-f]{8}([0-9a-f]{9})?")


def region(value: object) -> str:
    """The code of an AWS region."""
    if (written := text(value)) not in REGIONS:
        raise Broken(("is no AWS region", did_you_mean(written, REGIONS)))
    return written


def availability_zone(value: object) -> str:
    """The name of an availability zone; of which region it has to be, the combinations tell."""
    if not _ZONE.fullmatch(written := text(value)):
        raise Broken(("is no availability zone", 'Write one like "ap-northeast-1a", or leave it out'))
    return written


def instance_type(value: object) -> str:
    """An EC2 instance type with memory enough for Dify."""
    written = text(value)
    if not _INSTANCE_TYPE.fullmatch(written):
        raise Broken(("is not shaped like an instance type", 'Write one like "t3.medium"'))
    if written.endswith((".nano", ".micro", ".small")):
        family = written.split(".")[0]
        raise Broken(("has less memory than the 4 GiB that Dify needs", f'Choose "{family}.medium" or larger'))
    return written


def image_id(value: object) -> str:
    """The id of an AMI."""
    if not _IMAGE_ID.fullmatch(written := text(value)):
        raise Broken(("is not the id of an image", 'Write one like "ami-0123456789abcdef0"'))
    return written


def permissions_boundary(value: object) -> str:
    """The ARN of a managed policy (one of the account's own, or one of AWS's), or "none"."""
    if (written := text(value)) == NO_BOUNDARY:
        return written
    if not _BOUNDARY.fullmatch(written):
        right = 'Write one like "arn:aws:iam::123456789012:policy/developer-boundary"'
        raise Broken(("is neither the ARN of a managed policy nor none", right))
    return written


def existing(kind: str) -> Callable[[object], str]:
    """The id of a thing of EC2 that exists, by the word that its id begins with."""

    def rule(value: object) -> str:
        if not re.fullmatch(kind + r"-[0-9a-f]{8}([0-9a-f]{9})?", written := text(value)):
            raise Broken((f"is not the id of a {kind}", f'Write one like "{kind}-0123456789abcdef0"'))
        return written

    return rule


def retention_days(value: object) -> int:
    """One of the numbers of days that CloudWatch Logs knows.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    """
    days = whole_number(1, RETENTION_DAYS[-1], "CloudWatch Logs keeps no longer")(value)
    if days not in RETENTION_DAYS:
        nearest = min(RETENTION_DAYS, key=lambda known: abs(known - days))
        raise Broken(("is none of the numbers of days that CloudWatch Logs knows", f"The nearest is {nearest}"))
    return days
