"""Error document: an error as JSON, for a program that asked for ``--json``."""

from __future__ import annotations

from typing import Any, Final

from dify_aws.errors import DifyAwsError, Problem

PLAIN: Final = (str, int, float, bool, type(None))


def error_document(error: BaseException, message: str) -> dict[str, Any]:
    """The error as plain values: its class, its message, and the attributes that docs/errors.md speaks of.

    Args:
        error: what was raised.
        message: as a person is told it.
    """
    attributes = vars(error) if isinstance(error, DifyAwsError) else {}
    plain = {name: _plain(value) for name, value in attributes.items() if not name.startswith("_")}
    return {"error": {"type": type(error).__name__, "message": message, **plain}}


def _plain(value: object) -> Any:
    match value:
        case Problem():
            return {"field": value.field, "value": repr(value.value), "wrong": value.wrong, "right": value.right}
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case _:
            return value if isinstance(value, PLAIN) else str(value)
