"""Files: the directories and files of the model machine, on its root disk and on what is mounted."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from posixpath import dirname
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.steps.directory import Strangers
from dify_aws.host.steps.log_file import MAKE, FileKind
from dify_aws.host.steps.path import AtPath
from dify_aws.offline.machine.ended import Ended, NotModelled, failed

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

USERS: Final[Mapping[str, str]] = {"root": "0", "ubuntu": "1000"}
"""Users, and groups of the same name, by number."""

NAMES: Final = {number: name for name, number in USERS.items()}


@dataclass(frozen=True)
class Entry:
    """A directory or a file. ``owner`` is by number; ``changed`` is when its content was, on the world's clock."""

    kind: Literal["file", "directory", "link"]
    data: bytes = b""
    mode: int = 0o755
    owner: str = "0:0"
    changed: float = 0.0


Tree: TypeAlias = dict[str, Entry]
"""What is on one file system, by its path from the root of that."""


def _fresh() -> Tree:
    etc = ("apt", "apt/apt.conf.d", "apt/keyrings", "apt/sources.list.d", "logrotate.d", "sysctl.d", "systemd")
    # Of the model machine: nothing is made in the folder of this one.
    temporary = "/tmp"  # nosec B108
    inside = [f"/etc/{path}" for path in etc]
    usual = ["/", "/etc", *inside, "/etc/systemd/system", "/opt", temporary, "/var"]
    return {path: Entry("directory") for path in usual} | {"/etc/fstab": Entry("file", mode=0o644)}


@dataclass
class Files:
    """All that is there. ``mounts`` has what is mounted, by where; what lies below a mount is hidden by it."""

    root: Tree = field(default_factory=_fresh)
    mounts: dict[str, Tree] = field(default_factory=dict)

    def get(self, path: str) -> Entry | None:
        """The entry at a path."""
        tree, inside = self._place(path)
        return tree.get(inside)

    def put(self, path: str, entry: Entry) -> None:
        """Place something at a path. Raises FileNotFoundError if its directory is not there."""
        parent = self.get(dirname(path))
        if path != "/" and (parent is None or parent.kind != "directory"):
            raise FileNotFoundError(dirname(path))
        tree, inside = self._place(path)
        tree[inside] = entry

    def make_directories(self, path: str, mode: int = 0o755) -> None:
        """As mkdir -p. Raises NotADirectoryError if a file stands in the way."""
        found = self.get(path)
        if found is None:
            self.make_directories(dirname(path))
            self.put(path, Entry("directory", mode=mode))
        elif found.kind != "directory":
            raise NotADirectoryError(path)

    def remove(self, path: str) -> None:
        """Delete the entry at a path and everything below it. A missing path is no error."""
        for below in list(self.below(path)):
            tree, inside = self._place(below)
            del tree[inside]

    def below(self, path: str) -> Iterator[str]:
        """The path and everything below it on the same file system."""
        tree, inside = self._place(path)
        top = path[: len(path) - len(inside)] if inside != "/" else path.rstrip("/")
        for found in list(tree):
            if found == inside or found.startswith(inside.rstrip("/") + "/"):
                yield (top + found).rstrip("/") or "/"

    def text(self, path: str) -> str:
        """The content of a file as text; empty if it does not exist."""
        entry = self.get(path)
        return entry.data.decode() if entry else ""

    def _place(self, path: str) -> tuple[Tree, str]:
        """The file system that a path is on, and the path from its root."""
        for where in sorted(self.mounts, key=len, reverse=True):
            if path == where or path.startswith(where + "/"):
                return self.mounts[where], path[len(where) :] or "/"
        return self.root, path


def numbers(owner: str) -> str:
    """An owner, user:group, by number."""
    return ":".join(USERS.get(part, part) for part in owner.split(":"))


def _at_path(machine: Machine, fact: AtPath) -> Answer:
    entry = machine.files.get(fact.path)
    if entry is None:
        return Answer()
    file_type = "directory" if entry.kind == "directory" else "regular file" if entry.data else "regular empty file"
    names = ":".join(NAMES.get(number, "UNKNOWN") for number in entry.owner.split(":"))
    return Answer(f"{file_type}|{entry.mode:o}|{names}|{entry.owner}\n".encode() + entry.data)


def _file_kind(machine: Machine, fact: FileKind) -> Answer:
    entry = machine.files.get(fact.path)
    if entry is None:
        return Answer()
    file_type = {"file": "regular file", "directory": "directory", "link": "symbolic link"}[entry.kind]
    return Answer(f"{file_type}|{entry.mode:o}|{entry.owner}\n".encode())


def _make_log(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    path, owner, mode = arguments
    entry = machine.files.get(path)
    kept = entry.data if entry and entry.kind == "file" else b""
    try:
        machine.files.put(path, Entry("file", kept, int(mode, 8), numbers(owner), machine.clock.now()))
    except FileNotFoundError:
        return failed(f"bash: {path}: No such file or directory")
    return Ended()


def _strangers(machine: Machine, fact: Strangers) -> Answer:
    for path in machine.files.below(fact.path):
        entry = machine.files.get(path)
        if path != fact.path and entry and entry.owner != numbers(fact.owner):
            return Answer(f"{path}\n".encode())
    return Answer()


class Options(argparse.ArgumentParser):
    """The options of a command of the model machine: one that it does not know is NotModelled."""

    def __init__(self, command: str) -> None:
        super().__init__(prog=command, add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise NotModelled(f"{self.prog}: {message}")


def _mkdir(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    options = Options("mkdir")
    options.add_argument("-p", action="store_true", required=True)
    options.add_argument("paths", nargs="+")
    for path in options.parse_args(argv[1:]).paths:
        machine.files.make_directories(path)
    return Ended()


def _install(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    """Only ``install -d``, which makes directories."""
    options = Options("install")
    options.add_argument("-d", action="store_true", required=True)
    options.add_argument("-m", default="0755")
    options.add_argument("-o", default="root")
    options.add_argument("-g", default="root")
    options.add_argument("paths", nargs="+")
    parsed = options.parse_args(argv[1:])
    for path in parsed.paths:
        machine.files.make_directories(path)
        owner = numbers(f"{parsed.o}:{parsed.g}")
        machine.files.put(path, Entry("directory", mode=int(parsed.m, 8), owner=owner))
    return Ended()


def _ownership(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    """chown and chmod."""
    options = Options(argv[0])
    options.add_argument("-h", action="store_true")
    options.add_argument("-R", action="store_true")
    options.add_argument("value")
    options.add_argument("paths", nargs="+")
    parsed = options.parse_args(argv[1:])
    for top in parsed.paths:
        if machine.files.get(top) is None:
            return failed(f"{argv[0]}: cannot access '{top}': No such file or directory")
        for path in machine.files.below(top) if parsed.R else [top]:
            entry = machine.files.get(path)
            assert entry
            kept = (
                replace(entry, owner=numbers(parsed.value))
                if argv[0] == "chown"
                else replace(entry, mode=int(parsed.value, 8))
            )
            machine.files.put(path, kept)
    return Ended()


def _rm(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    options = Options("rm")
    options.add_argument("-f", action="store_true", required=True)
    options.add_argument("-r", action="store_true")
    options.add_argument("paths", nargs="+")
    for path in options.parse_args(argv[1:]).paths:
        machine.files.remove(path)
    return Ended()


def _nothing(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    """Commands without effect on the model: umask, sync."""
    return Ended()


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    AtPath: _at_path,
    FileKind: _file_kind,
    Strangers: _strangers,
}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {MAKE: _make_log}

COMMANDS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    "chmod": _ownership,
    "chown": _ownership,
    "install": _install,
    "mkdir": _mkdir,
    "rm": _rm,
    "sync": _nothing,
    "umask": _nothing,
}
