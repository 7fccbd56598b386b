"""Setting types: the type of each setting of dify-api, read off the annotations of its settings classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from dify_aws.dify.variable_types import ValueType

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]+")
_UNITS: Final = {"MB": re.compile(r"\bmegabytes?\b|\bMB\b", re.IGNORECASE), "bytes": re.compile(r"\bbytes\b")}

NUMBERS: Final[Mapping[str, ValueType]] = {
    "bool": ValueType(type="bool"),
    "int": ValueType(type="int"),
    "PositiveInt": ValueType(type="int", least=1),
    "NonNegativeInt": ValueType(type="int", least=0),
    "NegativeInt": ValueType(type="int"),
    "float": ValueType(type="number"),
    "PositiveFloat": ValueType(type="number", least=0),
    "NonNegativeFloat": ValueType(type="number", least=0),
}
"""Annotations of Python and pydantic that are a type of their own."""


def names_of(field: ast.AnnAssign, prefix: str = "") -> Iterator[str]:
    """The variables that a field of a settings class is read from: its own name, or those of its alias.

    Args:
        field: an assignment with an annotation.
        prefix: what the name of a variable begins with, before that of its field.
    """
    keywords = field.value.keywords if isinstance(field.value, ast.Call) else []
    aliases = [
        each.value
        for keyword in keywords
        if keyword.arg == "validation_alias"
        for each in ast.walk(keyword.value)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    target = field.target.id if isinstance(field.target, ast.Name) else ""
    own = [f"{prefix}{target.upper()}" if prefix else target]
    # What an alias says, pydantic reads in place of the field's own name.
    yield from (name for name in aliases or own if _NAME.fullmatch(name))


def types_in(trees: Iterable[ast.Module]) -> Mapping[str, ValueType]:
    """The types of all settings that have one.

    Args:
        trees: the files with the settings classes, and those that these take names from.

    Returns:
        Types by variable. A setting that is free text, or whose annotation is not understood, is missing.
    """
    trees = tuple(trees)
    named = dict(pair for tree in trees for pair in _definitions(tree))
    return {
        name: _bounded(found, node, name)
        for tree in trees
        for group in ast.walk(tree)
        if isinstance(group, ast.ClassDef)
        for node in group.body
        if isinstance(node, ast.AnnAssign)
        for name in names_of(node, _prefix(group))
        if (found := _type(node.annotation, named)) is not None
    }


def _prefix(group: ast.ClassDef) -> str:
    """What the variables of a settings class begin with: ``model_config = SettingsConfigDict(env_prefix="…")``."""
    found = (
        keyword.value.value
        for node in group.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call)
        for keyword in node.value.keywords
        if keyword.arg == "env_prefix" and isinstance(keyword.value, ast.Constant)
    )
    return str(next(found, ""))


def _bounded(found: ValueType, field: ast.AnnAssign, name: str) -> ValueType:
    """A type with what the ``Field(…)`` says: the smallest number, and whether it is a size, and of which unit."""
    keywords = field.value.keywords if isinstance(field.value, ast.Call) else []
    values = {each.arg: each.value.value for each in keywords if isinstance(each.value, ast.Constant)}
    if found.type in ("int", "number"):
        least = values.get("ge", values.get("gt"))
        if isinstance(least, int) and not isinstance(least, bool):
            found = replace(found, least=least + (found.type == "int" and "ge" not in values))
    unit = next((unit for unit, words in _UNITS.items() if words.search(str(values.get("description")))), "")
    if found.type == "int" and unit and "SIZE" in name:
        return replace(found, type="size", unit=unit)
    return found


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ValueType | ast.expr]]:
    """Names that an annotation may use: enumerations of texts, and aliases such as ``_VALID = Literal["a", "b"]``."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Enum") for base in node.bases):
            values = [each.value for each in node.body if isinstance(each, ast.Assign)]
            texts = [str(value.value) for value in values if isinstance(value, ast.Constant)]
            if texts:
                yield node.name, ValueType(type="choice", choices=tuple(texts))
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _type(annotation: ast.expr, named: Mapping[str, ValueType | ast.expr]) -> ValueType | None:
    match annotation:
        case ast.BinOp(left=left, right=ast.Constant(value=None), op=ast.BitOr()):
            return _type(left, named)
        case ast.Name(id=name) if name in NUMBERS:
            return NUMBERS[name]
        case ast.Name(id=name) if isinstance(found := named.get(name), ValueType):
            return found
        case ast.Name(id=name) if isinstance(found := named.get(name), ast.Subscript):
            return _type(found, {})
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            each = choices.elts if isinstance(choices, ast.Tuple) else [choices]
            texts = [value.value for value in each if isinstance(value, ast.Constant)]
            known = tuple(text for text in texts if isinstance(text, str))
            return ValueType(type="choice", choices=known) if known else None
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, *_])):
            return _type(inner, named)
        case _:
            return None
