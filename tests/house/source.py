"""The source files of the project, read once, and the few questions that the house rules ask about them."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Folders that tools and builds make.
MADE = ("build", "dist", "htmlcov", "node_modules", "site", "__pycache__")


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, and what Python makes of it."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def within(self, *places: str) -> bool:
        """Whether the file is one of these, or below one of these that ends in a slash."""
        return any(self.path == place or (place.endswith("/") and self.path.startswith(place)) for place in places)


def files() -> Iterator[str]:
    """Every file of the project, by its path from the root."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in MADE
            and not name.endswith(".egg-info")
            and (not name.startswith(".") or name in (".ci", ".github"))
        ]
        for name in names:
            if name == ".git":  # In a worktree of git it is a file, which names a folder of this machine.
                continue
            yield Path(folder, name).relative_to(ROOT).as_posix()


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the project."""
    return tuple(Source(path, (ROOT / path).read_text()) for path in sorted(files()) if path.endswith(".py"))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of all that is imported, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)


def mentions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of all that is used, be it called or handed on: ``time.sleep``, ``print``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node.lineno, ast.unparse(node)
