"""Names in the pages: each file, module, class and function of dify_aws that a page mentions exists."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

import dify_aws

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
FOLDERS: Final = "dify_aws|tests|docs|templates|examples|benchmarks"
FILE = re.compile(rf"(?<![\w/.-])((?:{FOLDERS})/[\w./-]*[\w/])")
DOTTED = re.compile(r"(?<![\w./-])(dify_aws(?:\.\w+)+)")
OF_OTHERS: Final = {"Session", "getLogger", "len", "mock_aws"}
"""Functions of Python and of other libraries that a page calls."""


def problems(text: str) -> list[str]:
    """The names of a page that do not exist.

    Args:
        text: the page, in Markdown.
    """
    inline = INLINE.findall(BLOCK.sub("", text))
    return [
        *(name for name in FILE.findall(text) if not (ROOT / name).exists()),
        *(name for name in DOTTED.findall(text) if not _resolves(name)),
        *(name for code in inline for name in _functions(code) if name not in _defined() | OF_OTHERS),
        *(name for code in inline for name in _attributes(code)),
    ]


def _resolves(name: str) -> bool:
    """Whether a dotted name is a module, or what a module or class has."""
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        return _has(found, parts[split:])
    return False


def _has(found: object, attributes: list[str]) -> bool:
    for attribute in attributes:
        if not hasattr(found, attribute):
            # A field without a default is no attribute of its class.
            fields = getattr(found, "__dataclass_fields__", {}) if dataclasses.is_dataclass(found) else {}
            return attribute in fields or attribute in getattr(found, "__annotations__", {})
        found = getattr(found, attribute)
    return True


def _functions(code: str) -> Iterator[str]:
    """The function of a piece of inline code that is one call, such as ``destroy(delete_data=True)``."""
    if call := re.fullmatch(r"(?:\w+\.)*(\w+)\([^`]*\)", code):
        yield call[1]


def _attributes(code: str) -> Iterator[str]:
    """``Class.attribute`` of a public class that it does not have."""
    found = re.match(r"([A-Z]\w+)\.(\w+)", code)
    if found and found[1] in dify_aws.__all__ and not _has(getattr(dify_aws, found[1]), [found[2]]):
        yield found[0]


@cache
def _defined() -> frozenset[str]:
    """The names of all classes and functions of the library."""
    definitions = (ast.ClassDef, ast.FunctionDef)
    return frozenset(
        node.name
        for file in (ROOT / "dify_aws").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, definitions)
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_names_in_a_page_exist(page: Path) -> None:
    """A page that mentions a file, a module, a class or a function that was renamed fails."""
    assert not problems(page.read_text())


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("see [stages](../dify_aws/install/dify.py)", []),
        ("the file dify_aws/install/dify.py", ["dify_aws/install/dify.py"]),
        ("in `dify_aws.engine.survey`", ["dify_aws.engine.survey"]),
        ("in `dify_aws.settings.Settings.nat`", ["dify_aws.settings.Settings.nat"]),
        ("`dify_aws.Settings.environment`, `dify_aws.errors`", []),
        ("call `carry_out()` or `deployment.apply(plan)`", ["carry_out"]),
        ("`Deployment.look_at`", ["Deployment.look_at"]),
        ("`Report.images`, `Record.settings`", []),
    ],
)
def test_a_missing_name_is_reported(text: str, missing: list[str]) -> None:
    """The check finds each sort of name. (A link is checked with the other links.)"""
    assert problems(text) == missing


def test_errors_page_lists_errors_that_exist() -> None:
    """Each error in the tables of docs/errors.md is an error of dify_aws, and no public error is missing there."""
    page = (ROOT / "docs/errors.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"\w+", row)}
    assert listed - _defined() == set()
    public = {name for name in dify_aws.__all__ if _is_error(getattr(dify_aws, name))} - {"DifyAwsError"}
    assert public - set(re.findall(r"`(\w+)`", page)) == set()


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def test_picture_of_the_folders_keeps_the_import_contract() -> None:
    """Each arrow of the picture in how-it-works.md goes down in the layers of setup.cfg, and every folder is in it."""
    page = (ROOT / "docs/how-it-works.md").read_text()
    picture = page.partition("```mermaid")[2].partition("```")[0]
    layers = page.partition("made by docs/tables.py -->")[2].partition("<!-- end")[0].strip("`\n ").split("\n")
    level = {module: number for number, layer in enumerate(layers) for module in layer.split()}
    arrows = re.findall(r'(\w+)(?:\["[^"]*"\])? --> (\w+)', picture)
    assert len(arrows) > 10
    assert [(above, below) for above, below in arrows if level[above] >= level[below]] == []
    folders = {path.parent.name for path in (ROOT / "dify_aws").glob("*/__init__.py")} - {"prices"}
    assert folders <= {end for arrow in arrows for end in arrow}
