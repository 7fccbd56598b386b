"""Descriptions: what each setting means, as the docstring of Settings says it."""

from __future__ import annotations

import re
from inspect import getdoc

from dify_aws.settings.settings import Settings


def descriptions() -> dict[str, str]:
    """The description of each setting, on one line, by its name."""
    arguments = re.search(r"^Args:\n(.*?)^\S", getdoc(Settings) or "", re.MULTILINE | re.DOTALL)
    if arguments is None:
        # Python was started with -OO, which takes docstrings away.
        return {}
    found = re.findall(r"^    (\w+): (.*?)(?=^    \S|\Z)", arguments[1], re.MULTILINE | re.DOTALL)
    return {name: " ".join(text.split()) for name, text in found}
