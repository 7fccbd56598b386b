"""Ended: the result of a command on the model machine, and the error for an unknown command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """Exit status and output of a command."""

    status: int = 0
    out: bytes = b""
    err: bytes = b""


class NotModelled(Exception):
    """The model machine does not support this. It never accepts what it does not know."""


def failed(err: str, status: int = 1) -> Ended:
    """The result of a command that failed."""
    return Ended(status, err=err.encode() + b"\n")
