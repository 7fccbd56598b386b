"""Rules for the settings that are Dify's: its release, its images, its domain and its first admin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from dify_aws.dify.known_releases import INSTALLABLE, image_names
from dify_aws.settings import rules
from dify_aws.settings.host_names import host_name
from dify_aws.settings.rules import Broken, did_you_mean, text
from dify_aws.settings.shown import brief, shown_name

_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
# As Docker reads it: a name in lower case, perhaps after a registry, then a tag, a digest, or both.
_IMAGE: Final = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
    r"(?=[:@])(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(@sha256:[0-9a-f]{64})?"
)
_NAME_AT_MOST: Final = 30


def profile(value: object) -> str:
    """How much of Dify is run. What else is called a profile is AWS's."""
    try:
        return rules.choice("compact", "full")(value)
    except Broken as broken:
        hint = "a profile of AWS is --aws-profile, or AWS_PROFILE"
        raise Broken(*((wrong, f"{right}; {hint}") for wrong, right in broken.faults)) from None


def release(value: object) -> str:
    """A version of Dify. Whether its images are known is looked at with the other settings."""
    if not _VERSION.fullmatch(written := text(value)):
        known = f"Known are {', '.join(INSTALLABLE)}"
        raise Broken(("is no release of Dify: one is three numbers, and never latest, a beta or a candidate", known))
    return written


def domain(value: object) -> str:
    """A host name that the certificate authority can find in DNS, in lower case."""
    name = host_name(text(value).strip())
    if name is None:
        raise Broken(("is not a host name", 'Write one like "dify.example.com", with neither https:// nor a port'))
    return name


def admin_name(value: object) -> str:
    """The name of the first admin, as long as Dify takes."""
    written = text(value)
    if not 1 <= len(written.strip()) <= len(written) <= _NAME_AT_MOST or not written.isprintable():
        raise Broken(("cannot be a name in Dify", f"Use 1 to {_NAME_AT_MOST} characters on one line"))
    return written


def images(value: object) -> Mapping[str, str]:
    """Full references of images, by our names of them; each says which version."""
    if not isinstance(value, Mapping):
        raise Broken(("is not a table of images", 'Write one like {nginx = "registry.example.com/nginx:1.28.2"}'))
    faults = [fault for name, reference in value.items() for fault in _image(name, reference)]
    if faults:
        raise Broken(*faults)
    return MappingProxyType(dict(value))


def _image(name: object, reference: object) -> Iterable[tuple[str, str]]:
    if name not in image_names():
        yield f"has {shown_name(name)}, which is none of the images", did_you_mean(str(name)[:64], image_names())
    found = _IMAGE.fullmatch(reference) if isinstance(reference, str) else None
    if not found:
        yield (
            f"has {brief(reference)} for {shown_name(name)}, which does not say which version of which image",
            'Write name:tag or name@sha256:digest, like "registry.example.com/nginx:1.28.2"',
        )
    elif found["tag"] == "latest":
        yield f"has latest for {shown_name(name)}, another image every day", "Name a version"
