"""Rules for ``env``: further variables for Dify's .env, whose values are secrets and are never shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from dify_aws.dify.known_variables import instead
from dify_aws.secrets import Secret
from dify_aws.settings.rules import Broken
from dify_aws.settings.shown import VARIABLE, shown_name

BYTES_AT_MOST: Final = 32 * 1024
"""Of one value. Linux takes 128 KiB for a variable, and Compose holds it several times.
https://man7.org/linux/man-pages/man2/execve.2.html"""

TOTAL_AT_MOST: Final = 256 * 1024

_COMMENTED: Final = re.compile(r"(-?[0-9]+(\.[0-9]+)?|true|false|yes|no|on|off)\s+(#|//).*", re.IGNORECASE)
# They change how the text around them is shown, or are not seen at all: nobody writes them on purpose.
_INVISIBLE: Final = frozenset(
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)


def env(value: object) -> Mapping[str, Secret]:
    """Variables for Dify's .env. Their values are taken for secrets, since many are."""
    if isinstance(value, str):
        raise Broken(
            (
                "is not NAME=value,NAME=value",
                'Names have A-Z, 0-9 and _, each once. With commas or quotes in a value, write JSON: {"NAME": "a,b"}',
            )
        )
    if not isinstance(value, Mapping):
        raise Broken(("is not a table of variables", 'Write one like {MAIL_TYPE = "smtp"}, or MAIL_TYPE=smtp'))
    faults = [fault for name, worth in value.items() for fault in _variable(name, worth)]
    size = sum(len(_revealed(worth).encode(errors="replace")) for worth in value.values())
    if not faults and size > TOTAL_AT_MOST:
        faults.append((f"has {size} bytes in all", f"At most {TOTAL_AT_MOST}: every container is given them"))
    if faults:
        raise Broken(*faults)
    return MappingProxyType({name: Secret(_revealed(worth)) for name, worth in value.items()})


def _revealed(worth: object) -> str:
    return worth.reveal() if isinstance(worth, Secret) else worth if isinstance(worth, str) else ""


def _variable(name: object, worth: object) -> Iterable[tuple[str, str]]:
    if not isinstance(name, str) or not VARIABLE.fullmatch(name):
        yield (
            f"has {shown_name(name)}, which is no name of a variable of Dify",
            "Use A-Z, 0-9 and _, like UPLOAD_FILE_SIZE_LIMIT",
        )
    elif (use := instead(name)) is not None:
        yield f"has {name}, which is not free", use
    called = shown_name(name)
    written = worth.reveal() if isinstance(worth, Secret) else worth
    if not isinstance(written, str):
        yield f"has {type(written).__name__} for {called}", 'Write every value as a string, in quotes: "465"'
        return
    yield from _characters(called, written)
    if _COMMENTED.fullmatch(written):
        yield (
            f"has a comment in the value for {called}",
            'Write the value alone: Dify reads "465 # TLS" as it stands, comment and all',
        )


def _characters(name: str, written: str) -> Iterable[tuple[str, str]]:
    """What .env, a process or a person would take for something else; which of them, and not where: it is secret."""
    if "\n" in written or "\r" in written or "\0" in written:
        yield f"has a value of several lines for {name}", "Write it on one line, as .env has it"
    elif any(unicodedata.category(one) in ("Cc", "Zl", "Zp") and one != "\t" for one in written):
        yield f"has a control character in the value for {name}", "Copy it again, without what a terminal does not show"
    if any("\ud800" <= one <= "\udfff" for one in written):
        yield f"has a value for {name} that is no Unicode", "Write it in UTF-8"
    if not _INVISIBLE.isdisjoint(written):
        yield (
            f"has an invisible character in the value for {name}",
            "Type it instead of copying it: a zero-width space, a mark of direction or of byte order came with it",
        )
    if len(written.encode(errors="replace")) > BYTES_AT_MOST:
        yield f"has a value of more than {BYTES_AT_MOST} bytes for {name}", "Linux gives no process one that long"
