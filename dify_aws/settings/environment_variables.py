"""Environment variables: settings as ``DIFY_AWS_…`` variables, each read by the type of its setting."""

from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

PREFIX: Final = "DIFY_AWS_"
LOG: Final = "DIFY_AWS_LOG"
"""Says what is logged, and is no setting of a deployment."""

YES: Final = ("true", "yes", "1")
NO: Final = ("false", "no", "0")


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
    return {name: _read(environ[variable].strip(), types.get(name)) for name, variable in found.items()}


def _read(text: str, kind: object) -> object:
    """What a variable says, by the type of its setting. What says nothing stays as it is, for the rule to refuse."""
    if kind is bool:
        return text.lower() in YES if text.lower() in YES + NO else text
    if kind is int or (int in get_args(kind) and text):
        return int(text) if text.isdecimal() else text
    if kind == tuple[str, ...]:
        return [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(kind) is Mapping:
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        return {key.strip(): worth.strip() for key, _, worth in pairs} if all(sign for _, sign, _ in pairs) else text
    return None if text == "" and type(None) in get_args(kind) else text
