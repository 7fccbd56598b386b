"""Rules: what the value of one setting must be, in words for the person who wrote it otherwise.

A rule takes a value as it was written, of whatever type, and gives it back in its one exact form (a list of networks as
a tuple, a bare address as a network). A value that cannot be used raises ``Broken`` with all that is wrong with it.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, ip_network
from types import MappingProxyType
from typing import Final

from dify_aws import networks
from dify_aws.regions import REGIONS

RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_LABEL: Final = re.compile(r"[a-z](-?[a-z0-9])*")
_INSTANCE_TYPE: Final = re.compile(r"[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|xlarge|\d+xlarge|metal(-\d+xl)?)")
_IMAGE_ID: Final = re.compile(r"ami-[0-9a-f]{8}([0-9a-f]{9})?")
_EMAIL: Final = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")
_TAGS_AT_MOST: Final = 40
_CIDRS_AT_MOST: Final = 30


class Broken(ValueError):
    """A value that breaks its rule. ``faults`` has, for each thing, what is wrong and what would be right."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__(*faults)
        self.faults = faults


def optional(rule: Callable[[object], object]) -> Callable[[object], object]:
    """The same rule for a setting that may also be left out (None)."""
    return lambda value: None if value is None else rule(value)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """What the nearest of the known words is, if any is near; otherwise all of them."""
    near = get_close_matches(word.lower(), known, n=1)
    return f'Did you mean "{near[0]}"?' if near else f"Choose one of {', '.join(sorted(known))}"


def text(value: object) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise Broken((f"is not a text but {type(value).__name__}", "Write a string"))
    return value


def flag(value: object) -> bool:
    """Yes or no; a 1 or a "no" is neither."""
    if not isinstance(value, bool):
        raise Broken(("is neither true nor false", "Write true or false"))
    return value


def whole_number(least: int, most: int, why: str) -> Callable[[object], int]:
    """A whole number between two limits, both allowed. ``why`` ends the sentence that tells them."""

    def rule(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Broken(("is not a whole number", f"Write one from {least} to {most}"))
        if not least <= value <= most:
            raise Broken((f"is not between {least} and {most}", f"At least {least}, at most {most}: {why}"))
        return value

    return rule


def label(value: object) -> str:
    """A part of names in AWS: short enough that the longest, the bucket's, stays within S3's 63 characters."""
    if not _LABEL.fullmatch(written := text(value)) or len(written) > 16:
        raise Broken(
            (
                "cannot be part of the names in AWS",
                'Use 1 to 16 of a-z, 0-9 and single hyphens, from a letter to a letter or digit, like "dev"',
            )
        )
    return written


def region(value: object) -> str:
    """The code of an AWS region."""
    if (written := text(value)) not in REGIONS:
        raise Broken(("is no AWS region", did_you_mean(written, REGIONS)))
    return written


def vpc_cidr(value: object) -> str:
    """A private IPv4 range that AWS takes for a VPC and that holds two subnets."""
    written = text(value)
    try:
        network = IPv4Network(written if "/" in written else "", strict=False)
    except ValueError:
        raise Broken(("is not a range of IPv4 addresses", 'Write one like "10.0.0.0/16"')) from None
    faults = []
    if str(network.network_address) != written.split("/")[0]:
        faults.append(("is an address in a range, not a range", f'Write "{network}"'))
    if not networks.is_private(network):
        faults.append(
            ("is not private (RFC 1918)", f"Choose a range within {', '.join(str(one) for one in networks.PRIVATE)}")
        )
    if network.prefixlen < networks.LARGEST:
        faults.append(("is larger than AWS allows", f"Choose /{networks.LARGEST} or smaller"))
    if network.prefixlen > networks.SMALLEST:
        faults.append(
            (
                "is too small for two subnets",
                f"Choose /{networks.SMALLEST} or larger: it is cut in four, and AWS makes no subnet smaller than /28",
            )
        )
    if faults:
        raise Broken(*faults)
    return str(network)


def web_cidrs(value: object) -> tuple[str, ...]:
    """IPv4 and IPv6 networks, each once, in AWS's notation.

    A security group has room for 60 rules of each family, and each network takes two, for 80 and 443
    (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups).
    """
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        raise Broken(("is not a list of networks", 'Write one like ["203.0.113.0/24", "2001:db8::/32"]'))
    found, faults = [], []
    for one in value:
        try:
            found.append(ip_network(text(one), strict=False))
        except ValueError:
            faults.append((f"has {one!r}, which is not a network", 'Write networks like "203.0.113.0/24"'))
            continue
        if str(found[-1].network_address) != str(ip_network(str(one).split("/")[0]).network_address):
            faults.append((f"has {one!r}, an address in a network, not a network", f'Write "{found[-1]}"'))
    for version in (4, 6):
        if len({one for one in found if one.version == version}) > _CIDRS_AT_MOST:
            faults.append(
                (
                    f"has more than {_CIDRS_AT_MOST} IPv{version} networks",
                    "Join neighbours into larger networks: a security group holds 60 rules, and each network takes two",
                )
            )
    if faults:
        raise Broken(*faults)
    return tuple(dict.fromkeys(str(one) for one in found))


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


def email(value: object) -> str:
    """What looks like one e-mail address; whether it is one, SNS finds out by writing to it."""
    if not _EMAIL.fullmatch(written := text(value)):
        raise Broken(("is not an e-mail address", 'Write one like "ops@example.com"'))
    return written


def tags(value: object) -> Mapping[str, str]:
    """Tags that every AWS service takes, IAM included, and that leave ours alone.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    if not isinstance(value, Mapping):
        raise Broken(("is not a table of tags", 'Write one like {team = "search"}, or team=search in a variable'))
    faults = [fault for key, worth in value.items() for fault in _tag(key, worth)]
    if len(value) > _TAGS_AT_MOST:
        faults.append((f"has {len(value)} tags", f"At most {_TAGS_AT_MOST}: AWS allows 50, and some of them are ours"))
    folded = [key.lower() for key in value if isinstance(key, str)]
    for twin in sorted({key for key in folded if folded.count(key) > 1}):
        faults.append((f'has "{twin}" in upper and lower case', "Keep one: IAM takes them for the same tag"))
    if faults:
        raise Broken(*faults)
    return MappingProxyType(dict(value))


def _tag(key: object, worth: object) -> Iterable[tuple[str, str]]:
    if not isinstance(key, str) or not isinstance(worth, str):
        yield f"has {key!r} = {worth!r}, which is not text", "Write key and value as strings"
        return
    if key.lower().startswith(("aws:", "dify-aws:")) or key == "Name":
        yield (
            f'has "{key}", which is not free',
            "Choose another key: aws: is AWS's, dify-aws: and Name say what is ours",
        )
    if not 1 <= len(key) <= 128:
        yield f'has a key of {len(key)} characters ("{key[:20]}")', "A key has 1 to 128"
    if len(worth) > 256:
        yield f'has a value of {len(worth)} characters for "{key}"', "A value has at most 256"
    if strange := sorted({one for one in key + worth if not _is_free(one)}):
        yield f'has {", ".join(map(repr, strange))} in "{key}"', "Use letters, digits, spaces and _ . : / = + - @"


def _is_free(character: str) -> bool:
    return character in "_.:/=+-@" or unicodedata.category(character)[0] in "LNZ"
