"""Releases: the releases of Dify that can be installed, and the images of each, read from its record.

An image is here by its tag. What Dify's own Compose file takes as ``latest`` is pinned by us. A tag can be moved by
who publishes it (``6.6-24.04_edge`` is even meant to be), so the installer records what each one meant when it was
first used, and uses that from then on; where a digest is known here, it is that from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.record import read_release
from dify_aws.dify.records import KNOWN, known
from dify_aws.dify.release import Release
from dify_aws.dify.versions import numbers
from dify_aws.errors import Problem

INSTALLABLE: Final = ("1.15.0", "1.16.1", "1.17.1")
"""The releases that can be installed, oldest first; each has a record (``dify_aws.dify.records.KNOWN``)."""


class _OfEach(Mapping[str, Mapping[str, str]]):
    """A table of each release by its version. A record is read when it is asked for: most runs need one of them."""

    def __init__(self, table: Callable[[Release], Mapping[str, str]]) -> None:
        self._table = table

    def __getitem__(self, version: str) -> Mapping[str, str]:
        if version not in INSTALLABLE:
            raise KeyError(version)
        return self._table(known(version))

    def __iter__(self) -> Iterator[str]:
        return iter(INSTALLABLE)

    def __len__(self) -> int:
        return len(INSTALLABLE)


RELEASES: Final[Mapping[str, Mapping[str, str]]] = _OfEach(lambda release: release.images)
"""The images of each release, by the names that ``Settings.images`` takes."""

DIGESTS: Final[Mapping[str, Mapping[str, str]]] = _OfEach(lambda release: release.digests)
"""The digest of an image's manifest list, by release and name, as its publisher or the registry has told it.

Only what was read at the source stands here; it is not known of any yet."""


@cache
def image_names() -> frozenset[str]:
    """Every name of an image, over all releases."""
    return frozenset(name for images in RELEASES.values() for name in images)


def release_of(version: str, file: str | None = None) -> Release:
    """What is known of the release that settings name.

    Args:
        version: a known release, or a later patch of one that can be installed (1.17.4 where 1.17.1 is known).
        file: a record, in place of those that come with dify_aws.

    Returns:
        The release. A later patch is the known release with the tags of its own images.

    Raises:
        KeyError: there is no record of this release.
        ReleaseError: everything that is wrong with the file.
    """
    if file is not None:
        return _read(file)
    if (older := patched(version)) is None:
        return known(version)
    return later_patch(known(older), version)


def patched(version: str) -> str | None:
    """The known release that a later patch of it is installed as.

    Args:
        version: three numbers.

    Returns:
        The newest one of the same minor release that can be installed; None if there is a record of the version itself,
        or none that is older.
    """
    wanted = numbers(version)
    if version in KNOWN or len(wanted) != 3:
        return None
    older = [each for each in INSTALLABLE if numbers(each)[:2] == wanted[:2] and numbers(each) < wanted]
    return max(older, key=numbers, default=None)


def images(
    version: str, overrides: Mapping[str, str], registry: str | None = None, file: str | None = None
) -> Mapping[str, str]:
    """The full reference of every image of a release, by name; ``overrides`` count more.

    Args:
        version: the release.
        overrides: references to use instead, by name.
        registry: where copies of all images are, with what their names begin with there.
        file: the record of the release, if it does not come with dify_aws.

    Raises:
        KeyError: for a release that we do not know.
    """
    release = release_of(version, file)
    ours = {
        name: f"{reference}@{release.digests[name]}" if name in release.digests else reference
        for name, reference in release.images.items()
    }
    if registry:
        ours = {name: mirrored(reference, registry) for name, reference in ours.items()}
    return MappingProxyType({**ours, **overrides})


def _read(file: str) -> Release:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        # A ValueError is a text that is no UTF-8, or a null byte in the path.
        reason = getattr(error, "strerror", None) or f"it is no UTF-8 text, or no path ({error})"
        raise ReleaseError(file, [Problem("release", file, f"cannot be read: {reason}", "a TOML file")]) from None
    return _parsed(text, Path(file).name)


@cache
def _parsed(text: str, name: str) -> Release:
    return read_release(text, name)


def later_patch(release: Release, version: str) -> Release:
    """A release with the images of a later patch.

    Args:
        release: a known release.
        version: the later patch.

    Returns:
        The release. Images that have its version for their tag get the later one; the others stay.
    """
    tag = f":{release.version}"
    own = {name for name, reference in release.images.items() if reference.endswith(tag)}
    return replace(
        release,
        version=version,
        images={
            name: f"{each.removesuffix(tag)}:{version}" if name in own else each
            for name, each in release.images.items()
        },
        digests={name: digest for name, digest in release.digests.items() if name not in own},
    )


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


def describe_release(version: str, file: str | None) -> str:
    """How a release is installed that has no record of its own, in words for whoever has to agree to it.

    Args:
        version: the release.
        file: its record, if it does not come with dify_aws.

    Returns:
        A sentence; empty for a release that is known.
    """
    if file is not None:
        return f"Dify {version} is installed by the record in {file}."
    if (older := patched(version)) is None:
        return ""
    return (
        f"Dify {version} has no record: it is installed as {older} is, with its own images. What else it has changed "
        "is not known here; a record, drafted from a checkout by dify-aws release import, would tell."
    )


def describe_images(overrides: Mapping[str, str]) -> str:
    """Which images are not the release's, in words for whoever has to agree to them.

    >>> describe_images({"nginx": "mirror.example.com/nginx:1"})
    'Not the images of the release: nginx from mirror.example.com/nginx:1.'
    """
    each = ", ".join(f"{name} from {image}" for name, image in sorted(overrides.items()))
    return f"Not the images of the release: {each}."
