"""Combinations: what is wrong between settings that are right each for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dify_aws.errors import Problem

_ARM: Final = re.compile(r"a1|[a-z]+\d+[a-z-]*g")  # AWS marks Graviton by a g after the generation; the first was a1
EVERYWHERE: Final = "0.0.0.0/0"


def combinations(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong between settings that are right each for itself."""
    zone, region = values.get("availability_zone"), values.get("region")
    if zone and region and not re.fullmatch(re.escape(region) + "[a-z]", zone):
        yield Problem(
            "availability_zone", zone, f"is no zone of {region}", f'Write one like "{region}a", or leave it out'
        )
    if values.get("project") == "dify" and values.get("environment") == "foundation":
        right = "Choose another: dify/foundation is what all environments of the account share"
        yield Problem("environment", "foundation", "is taken", right)
    kind = values.get("instance_type")
    if kind and "image_id" in values and values["image_id"] is None and _ARM.match(kind):
        right = 'Choose an x86-64 type like "t3.medium", or give the image_id of an image for arm64'
        yield Problem("instance_type", kind, "has an arm64 processor, and the image is for amd64", right)
    if values.get("domain") and "web_cidrs" in values and EVERYWHERE not in values["web_cidrs"]:
        right = f'Let everybody in ("{EVERYWHERE}"), or leave domain out: the certificate authority looks from anywhere'
        wrong = "does not let the certificate authority in, and there is a domain"
        yield Problem("web_cidrs", values["web_cidrs"], wrong, right)
    if values.get("domain") and "email" in values and values["email"] is None:
        right = "Write the address that the certificate authority may warn before a certificate runs out"
        yield Problem("email", None, "is missing, and there is a domain", right)
