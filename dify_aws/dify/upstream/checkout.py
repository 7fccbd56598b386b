"""Checkout: the folder of a clone of langgenius/dify, from which files are read and their problems collected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dify_aws.errors import Problem

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a file that is read. The largest one of Dify has a twentieth of that."""


class Checkout:
    """A folder with the files of one release of Dify.

    Attributes:
        root: the folder.
        problems: what is wrong with its files, in the order of reading.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []

    def text(self, path: str, *, required: bool = True) -> str:
        """The text of a file.

        Args:
            path: path from the root of the checkout, with slashes.
            required: whether it is a problem that there is no such file.

        Returns:
            The text; empty if the file cannot be read, which is then among the problems.
        """
        file = self.root / path
        if not file.is_file():
            if required:
                self.problem(path, None, "is missing", "the file of a checkout of Dify")
            return ""
        # A link may lead anywhere, and what is read is quoted in errors.
        if not file.resolve().is_relative_to(self.root.resolve()):
            self.problem(path, None, "is a link that leads out of the checkout", "a file of the checkout")
            return ""
        try:
            if file.stat().st_size > LARGEST:
                self.problem(path, file.stat().st_size, "is too large", f"at most {LARGEST} bytes")
                return ""
            return file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            self.problem(path, None, f"is no UTF-8 text (byte {error.start})", "a text file")
        except OSError as error:
            self.problem(path, None, f"cannot be read: {error.strerror}", "a file that can be read")
        return ""

    def names(self, folder: str, pattern: str) -> Iterator[str]:
        """Paths of the files below a folder.

        Args:
            folder: path from the root of the checkout.
            pattern: as for ``Path.glob``.

        Yields:
            Paths from the root of the checkout, in alphabetical order.
        """
        found = (self.root / folder).glob(pattern)
        yield from sorted(file.relative_to(self.root).as_posix() for file in found if file.is_file())

    def problem(self, where: str, value: object, wrong: str, right: str) -> None:
        """Add a problem.

        Args:
            where: file and line, or file and key.
            value: what stands there; None for a value that may be a secret.
            wrong: what is wrong with it.
            right: what would be right.
        """
        self.problems.append(Problem(where, value, wrong, right))

    def commit(self) -> str:
        """The commit that is checked out; empty if that cannot be known."""
        head = self._git("HEAD")
        reference = head.removeprefix("ref: ")
        if reference == head:
            return head if re.fullmatch(r"[0-9a-f]{40}", head) else ""
        if re.fullmatch(r"[0-9a-f]{40}", found := self._git(reference)):
            return found
        packed = re.search(rf"^([0-9a-f]{{40}}) {re.escape(reference)}$", self._git("packed-refs"), re.MULTILINE)
        return packed[1] if packed else ""

    def _git(self, name: str) -> str:
        try:
            return (self.root / ".git" / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""
