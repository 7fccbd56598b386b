"""What a built wheel lacks of the package, or has more than it: what the tests on the tree cannot see."""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

FOLDERS = {"dify_aws": "dify_aws", "templates": "dify_aws/templates"}
"""Folders of the tree, and what they are called in the wheel."""


def expected(tree: Path) -> set[str]:
    """The names of all files of the package, as the wheel has them."""
    return {
        f"{name}/{path.relative_to(tree / folder).as_posix()}"
        for folder, name in FOLDERS.items()
        for path in (tree / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def contained(wheel: Path) -> set[str]:
    """The names of all files of the package in the wheel."""
    return {name for name in ZipFile(wheel).namelist() if name.startswith("dify_aws/")}


if __name__ == "__main__":
    of_the_tree, of_the_wheel = expected(Path()), contained(Path(sys.argv[1]))
    sys.exit("\n".join(f"only in one of them: {name}" for name in sorted(of_the_tree ^ of_the_wheel)) or None)
