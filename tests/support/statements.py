"""Statements: a policy as AWS answers it, read so that a test need not care in which order and form it does so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def statements(policy: str | Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements, by their Sid, with Action, Resource and each value of a Condition as sorted lists."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    return sorted((_read(each) for each in _listed(document["Statement"])), key=lambda each: str(each.get("Sid")))


def _read(statement: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = dict(statement)
    for name in ("Action", "Resource"):
        if name in read:
            read[name] = sorted(_listed(read[name]))
    if "Condition" in read:
        read["Condition"] = {
            operator: {key: sorted(_listed(values)) for key, values in keys.items()}
            for operator, keys in read["Condition"].items()
        }
    return read


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
