"""Pickling: exceptions that survive pickle and copy, as process pools, job queues and pytest-xdist need it.

Python makes an exception anew by calling its class with ``args``. That fails for each class whose ``__init__`` takes
anything else than the message, and the process that waits for the answer then hangs or shows a TypeError instead.
https://docs.python.org/3/library/pickle.html#object.__reduce__
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any


class Picklable(BaseException):
    """Base of an exception with any ``__init__``: it is made anew from its message and its attributes."""

    def __reduce__(self) -> tuple[Callable[..., BaseException], tuple[Any, ...], dict[str, Any]]:
        return _make, (type(self), self.args), {name: _portable(value) for name, value in vars(self).items()}


def _make(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    error = cls.__new__(cls, *args)
    # The classes of the OSError family leave this to an __init__ that is not called here.
    error.args = args
    return error


def _portable(value: Any) -> Any:
    """The value, or a text in its place where it cannot leave this process (an open file, a lock, a secret)."""
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_portable(item) for item in value)
    try:
        pickle.loads(pickle.dumps(value))  # nosec B301
    except Exception:  # noqa: BLE001 - whatever a foreign object does when it is pickled
        return _described(value)
    return value


def _described(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _portable(getattr(value, each.name)) for each in fields(value)})
    if isinstance(value, BaseException):
        described = RuntimeError(f"{type(value).__name__}: {value}")
        described.__notes__ = list(getattr(value, "__notes__", ()))
        return described
    return repr(value)
