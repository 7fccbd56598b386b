"""Records: the releases of Dify that come with dify_aws."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from dify_aws.dify.record import read_release
from dify_aws.dify.release import Release

KNOWN: Final = ("1.15.0", "1.16.1", "1.17.1")
"""The releases that have a record, oldest first. Not every one of them can be installed."""


@cache
def known(version: str) -> Release:
    """The record of a known release.

    Args:
        version: one of ``KNOWN``.

    Returns:
        The record.

    Raises:
        KeyError: there is no record of this release.
    """
    if version not in KNOWN:
        raise KeyError(version)
    name = f"{version}.toml"
    return read_release(files("dify_aws.dify").joinpath("releases", name).read_text(encoding="utf-8"), name)
