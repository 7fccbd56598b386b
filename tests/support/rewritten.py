"""Rewritten: one policy in the many ways in which people write it and AWS answers it."""

from __future__ import annotations

from random import Random
from typing import Any, Final

ELEMENTS: Final = ("Version", "Statement", "Sid", "Effect", "Principal", "Action", "Resource", "Condition")


def rewritten(policy: Any, seed: int, *, case: bool = True) -> Any:
    """The same policy: arrays and objects in another order, lists of one as their item or items as lists of one.

    Args:
        policy: the document.
        seed: the same seed gives the same form.
        case: also the names of elements in another case, as AWS takes them.
    """
    random = Random(seed)

    def shuffled(value: Any, name: str, *, alone: bool = True) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {recased(key): shuffled(value[key], key) for key in keys}
        if isinstance(value, list | tuple):
            items = [shuffled(item, name, alone=False) for item in value]
            random.shuffle(items)
            if name in ("Action", "Resource") and random.random() < 0.3:
                items.append(items[0])
            return items[0] if len(items) == 1 and random.random() < 0.5 else items
        arrays = alone and isinstance(value, str) and name not in ("Version", "Sid", "Effect", "Principal")
        return [value] if arrays and random.random() < 0.5 else value

    def recased(key: str) -> str:
        return random.choice((key, key.lower(), key.upper())) if case and key in ELEMENTS else key

    return shuffled(policy, "")
