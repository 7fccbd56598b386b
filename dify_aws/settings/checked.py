"""Checked values: those given for settings, each as its rule returns it, with every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_args

from dify_aws.errors import Problem
from dify_aws.settings.combinations import combinations
from dify_aws.settings.rules import Broken
from dify_aws.settings.shown import shown


def checked(settings: Iterable[Field[Any]], given: Mapping[str, object]) -> tuple[dict[str, Any], list[Problem]]:
    """The values that are right, in their one form, and what is wrong with the others and with all of them together.

    Args:
        settings: the fields; the annotation of each has its rule.
        given: values by name. A field without one is passed over.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    rules = {setting.name: get_args(setting.type)[1] for setting in settings}
    for name, rule in rules.items():
        if name not in given:
            continue
        try:
            values[name] = rule(given[name])
        except Broken as broken:
            problems += [Problem(name, shown(name, given[name], list(rules)), *fault) for fault in broken.faults]
    return values, problems + list(combinations(values, given))


def defaults(settings: type) -> dict[str, object]:
    """The default of each setting that has one, by name.

    Args:
        settings: the dataclass.
    """
    ready: dict[str, object] = {one.name: one.default for one in fields(settings) if one.default is not MISSING}
    made = {one.name: one.default_factory() for one in fields(settings) if one.default_factory is not MISSING}
    return ready | made
