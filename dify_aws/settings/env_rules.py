"""Rules for ``env``: further variables for Dify's .env, whose values are secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from dify_aws.secrets import Secret
from dify_aws.settings.rules import Broken
from dify_aws.variables import instead

_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")


def env(value: object) -> Mapping[str, Secret]:
    """Variables for Dify's .env. Their values are taken for secrets, since many are."""
    if not isinstance(value, Mapping):
        raise Broken(("is not a table of variables", 'Write one like {MAIL_TYPE = "smtp"}, or MAIL_TYPE=smtp'))
    faults = [fault for name, worth in value.items() for fault in _variable(name, worth)]
    if faults:
        raise Broken(*faults)
    return MappingProxyType(
        {name: worth if isinstance(worth, Secret) else Secret(worth) for name, worth in value.items()}
    )


def _variable(name: object, worth: object) -> Iterable[tuple[str, str]]:
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        yield f"has {name!r}, which is no name of a variable of Dify", "Use A-Z, 0-9 and _, like UPLOAD_FILE_SIZE_LIMIT"
    elif (use := instead(name)) is not None:
        yield f"has {name}, which is not free", use
    written = worth.reveal() if isinstance(worth, Secret) else worth
    if not isinstance(written, str):
        yield f"has {type(written).__name__} for {name}", "Write every value as a string"
    elif "\n" in written or "\r" in written or "\0" in written:
        yield f"has a value of several lines for {name}", "Write it on one line, as .env has it"
