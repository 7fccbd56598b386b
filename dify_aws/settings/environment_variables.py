"""Environment variables: settings as ``DIFY_AWS_…`` variables, each read by the type of its setting."""

import re
from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

from dify_aws.foreign_json import parse_json
from dify_aws.settings.shown import VARIABLE

PREFIX: Final = "DIFY_AWS_"
LOG: Final = "DIFY_AWS_LOG"
"""Says what is logged, and is no setting of a deployment."""

YES: Final = ("true", "yes", "1")
NO: Final = ("false", "no", "0")
QUOTES: Final = ('"', "'")


def read_environment(environ: Mapping[str, str], types: Mapping[str, object]) -> dict[str, Any]:
    """The settings among environment variables.

    Args:
        environ: the variables.
        types: the type of each setting, by name.

    Returns:
        The values by name of setting; a variable that names no setting is there, too.
    """
    ours = sorted(name for name in environ if name.startswith(PREFIX) and name != LOG)
    found = {name.removeprefix(PREFIX).lower(): name for name in ours}
    return {name: _read(name, environ[variable].strip(), types.get(name)) for name, variable in found.items()}


def _read(name: str, text: str, kind: object) -> object:
    """What a variable says, by the type of its setting. What says nothing stays as it is, for the rule to refuse."""
    if kind is bool:
        return text.lower() in YES if text.lower() in YES + NO else text
    if kind is int or (int in get_args(kind) and text):
        # Not int() by itself: it takes "1_0" and digits of every script, and refuses thousands of digits its own way.
        return int(text) if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text) else text
    if kind == tuple[str, ...]:
        if text.startswith("[") and isinstance(found := _json(text), list):
            return found
        return [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(kind) is Mapping:
        if text.startswith("{"):
            return found if isinstance(found := _json(text), dict) else text
        return _pairs(name, text)
    return None if text == "" and type(None) in get_args(kind) else text


def _json(text: str) -> object:
    """What is written in JSON; None if nothing is, or if a name stands twice."""
    try:
        return parse_json(text, object_pairs_hook=_once)
    except ValueError:
        return None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _pairs(name: str, text: str) -> object:
    """``key=value,key=value``; the text itself where it is not clear what it says."""
    pairs = [(key.strip(), sign, worth.strip()) for key, sign, worth in map(_cut, text.split(",")) if key or sign]
    found = {key: worth for key, _, worth in pairs}
    clear = len(found) == len(pairs) and all(sign for _, sign, _ in pairs)
    if name == "env":
        # A comma in a value would make a variable of the rest of it.
        clear = clear and all(VARIABLE.fullmatch(key) and worth[:1] not in QUOTES for key, worth in found.items())
    return found if clear else text


def _cut(part: str) -> tuple[str, str, str]:
    return part.strip().partition("=")
