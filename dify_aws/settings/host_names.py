"""Host names: the one form of them, for domains, registries, mail and internal hosts."""

from __future__ import annotations

import re
from typing import Final

LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""A regular expression for one part of a name between dots: https://www.rfc-editor.org/rfc/rfc1123#section-2.1"""

_NAME: Final = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})+")
_NUMBERS: Final = re.compile(r"[\d.]+")


def host_name(written: str) -> str | None:
    """A full host name, in lower case and without the dot at its end; None if it is none, or an address.

    >>> host_name("Dify.Example.com.")
    'dify.example.com'
    >>> host_name("10.0.5.20") is None
    True
    """
    name = written.lower().removesuffix(".")
    # lower() makes a plain k of the sign for kelvin.
    plain = written.isascii() and _NAME.fullmatch(name) and not _NUMBERS.fullmatch(name)
    return name if plain else None
