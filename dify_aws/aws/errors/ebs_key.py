"""EbsKey: the KMS key by which the account encrypts new volumes, when it cannot be used.

Then AWS accepts the order, and the volume vanishes, or the instance ends, some seconds later. Neither says why: a run
that asked again would lose the next one, too.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
"""

from __future__ import annotations

import re
from typing import Final

SIGNS: Final = re.compile(r"Client\.InternalError|Client error on launch|Client\.InvalidKMSKey|(?i:kms)")
"""What AWS says of an instance that could not decrypt its disks."""

ADVICE: Final = (
    "Most often the KMS key by which this account encrypts volumes by default cannot be used: it is disabled, is to be "
    "deleted, or its policy does not allow these credentials kms:CreateGrant, kms:Decrypt, "
    "kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt. `aws ec2 get-ebs-default-kms-key-id` names it. Mend the key "
    "or its policy, or choose another default key; then run again."
)


def advice(message: str) -> str:
    """What to do about a thing that failed or vanished; "" if AWS's words do not speak of a key."""
    return ADVICE if SIGNS.search(message) else ""
