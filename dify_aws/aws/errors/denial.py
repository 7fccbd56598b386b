"""Denial: which policy said no, read from AWS's message, and who can change that.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import re
from typing import Final

BY_POLICY: Final = (
    (
        "service control policy",
        "A service control policy of the organisation denies it: no policy of this account can allow it. "
        "Ask who runs the organisation to allow {action} here, or use another account or region.",
    ),
    (
        "resource control policy",
        "A resource control policy of the organisation denies it: no policy of this account can allow it. "
        "Ask who runs the organisation.",
    ),
    (
        "declarative policy",
        "A declarative policy of the organisation has switched this off in the account. Ask who runs the organisation.",
    ),
    (
        "permissions boundary",
        "The permissions boundary of these credentials does not allow it: {action} has to be in the boundary as well "
        "as in a policy of theirs. Ask who set the boundary.",
    ),
    (
        "session policy",
        "The session of these credentials was opened with a policy that does not allow it. "
        "Open it without one, or with one that allows {action}.",
    ),
    (
        "VPC endpoint policy",
        "The call goes through a VPC endpoint whose policy does not allow it. Allow {action} in the policy of the "
        "endpoint, or call from elsewhere.",
    ),
    (
        "explicit deny in an identity-based policy",
        "A policy of these credentials denies {action} by name, and that counts more than any policy that allows it. "
        "Take the Deny away.",
    ),
    (
        "explicit deny in a resource-based policy",
        "The policy of the thing itself denies {action} by name, and that counts more than any policy that allows it. "
        "Take the Deny away.",
    ),
)

OTHERWISE: Final = "Allow {action} to whoever runs this (docs/permissions.md lists all that is needed), then run again."


BUCKET: Final = (
    "S3 does not say why: either the bucket {bucket} belongs to another account (look at it with "
    "`aws s3api head-bucket --bucket {bucket}`; nothing is read from it or written to it then, so use another name), "
    "or {action} is not allowed to whoever runs this (docs/permissions.md lists all that is needed)."
)
"""S3 gives a reason to those of the bucket's own account only.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html"""


def advice(message: str, action: str, bucket: str = "") -> str:
    """What to do about a denied call.

    Args:
        message: AWS's own.
        action: the IAM action that is missing, as "ec2:RunInstances".
        bucket: the bucket that the call was about, if any.

    Returns:
        A sentence that names the kind of policy where AWS says which one it was.
    """
    for policy, what_to_do in BY_POLICY:
        if re.search(policy.replace("policy", r"polic(y|ies)"), message, re.IGNORECASE):
            return what_to_do.format(action=action)
    if bucket and message.strip().rstrip(".") in ("", "Access Denied", "Forbidden"):
        return BUCKET.format(bucket=bucket, action=action)
    return OTHERWISE.format(action=action)
