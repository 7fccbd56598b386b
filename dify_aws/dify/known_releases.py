"""Releases: the releases of Dify that can be installed, and the images of each, read from its record.

An image is here by its tag. What Dify's own Compose file takes as ``latest`` is pinned by us. A tag can be moved by
who publishes it (``6.6-24.04_edge`` is even meant to be), so the installer records what each one meant when it was
first used, and uses that from then on; where a digest is known here, it is that from the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from dify_aws.dify.records import known

INSTALLABLE: Final = ("1.17.1",)
"""The releases that can be installed. More have a record (``dify_aws.dify.records.KNOWN``)."""

RELEASES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {version: known(version).images for version in INSTALLABLE}
)
"""The images of each release, by the names that ``Settings.images`` takes."""

DIGESTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {version: known(version).digests for version in INSTALLABLE}
)
"""The digest of an image's manifest list, by release and name, as its publisher or the registry has told it.

Only what was read at the source stands here; it is not known of any yet."""

NAMES: Final = frozenset(name for images in RELEASES.values() for name in images)
"""Every name of an image, over all releases."""


def images(version: str, overrides: Mapping[str, str], registry: str | None = None) -> Mapping[str, str]:
    """The full reference of every image of a release, by name; ``overrides`` count more.

    :param registry: where copies of all images are, with what their names begin with there.
    :raises KeyError: for a release that we do not know.
    """
    digests = DIGESTS.get(version, {})
    ours = {
        name: f"{reference}@{digests[name]}" if name in digests else reference
        for name, reference in RELEASES[version].items()
    }
    if registry:
        ours = {name: mirrored(reference, registry) for name, reference in ours.items()}
    return MappingProxyType({**ours, **overrides})


def mirrored(reference: str, registry: str) -> str:
    """The reference of a copy, as registries that copy by themselves (Harbor, Amazon ECR) name it.

    >>> mirrored("redis:7.4.9-alpine", "registry.example.com/mirror")
    'registry.example.com/mirror/library/redis:7.4.9-alpine'
    >>> mirrored("cr.weaviate.io/semitechnologies/weaviate:1.39.2", "registry.example.com/mirror")
    'registry.example.com/mirror/semitechnologies/weaviate:1.39.2'
    """
    host, slash, path = reference.partition("/")
    if not slash:
        return f"{registry}/library/{reference}"
    return f"{registry}/{path if '.' in host or ':' in host else reference}"


def pinned(reference: str, digests: Mapping[str, str]) -> str:
    """The reference with the digest that is recorded for it; one that names a digest itself stays as it is."""
    digest = digests.get(reference)
    return f"{reference}@{digest}" if digest and "@" not in reference else reference


def describe_images(overrides: Mapping[str, str]) -> str:
    """Which images are not the release's, in words for whoever has to agree to them.

    >>> describe_images({"nginx": "mirror.example.com/nginx:1"})
    'Not the images of the release: nginx from mirror.example.com/nginx:1.'
    """
    each = ", ".join(f"{name} from {image}" for name, image in sorted(overrides.items()))
    return f"Not the images of the release: {each}."
