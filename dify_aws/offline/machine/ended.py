"""Ended: what came of a command of the model machine; and how a command that it does not know is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """A command's status and what it said."""

    status: int = 0
    out: bytes = b""
    err: bytes = b""


class NotModelled(Exception):
    """The model machine does not know this. It never says yes to what it does not understand."""


def failed(err: str, status: int = 1) -> Ended:
    """The end of a command that could not do it."""
    return Ended(status, err=err.encode() + b"\n")
