"""Swap: a file that takes what does not fit into memory, so that a moment of need is slow and not the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.content import Content
from dify_aws.host.disks import fstab
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.kernel import OwnKernel
from dify_aws.host.script import script

PATH: Final = "/swapfile"
LINE: Final = f"{PATH} none swap sw 0 0"
MODE: Final = 0o600
"""What is in memory is nobody's to read."""

USE: Final = """\
exec 9<"$1"
flock --wait 60 9
grep -q "^$1 " /proc/swaps || swapon "$1"
"""
"""Takes $1 into use. A predecessor may be at it too, and whoever comes second would fail."""

# 10 ms. Of a file in use, blkid still sees the signature.
READ_SCRIPT: Final = f"""\
sed -n 's/^MemTotal: *\\([0-9]*\\) kB/memory=\\1/p' /proc/meminfo
if [ -e {PATH} ] || [ -L {PATH} ]; then stat --format 'file=%F|%s|%a' {PATH}; fi
if [ -f {PATH} ] && [ "$(blkid --probe --match-tag TYPE --output value {PATH})" = swap ]; then echo made=yes; fi
if grep -q '^{PATH} ' /proc/swaps; then echo used=yes; fi
"""


@dataclass(frozen=True)
class SwapFileState:
    """The file: ``mib`` is its size, None if there is none; ``memory_mib`` is what the machine has."""

    memory_mib: int
    kind: str = ""
    mib: int | None = None
    mode: int = 0
    made: bool = False
    used: bool = False


@dataclass(frozen=True)
class SwapFile(Fact[SwapFileState]):
    """What is at /swapfile, and is it used?"""

    name = "swap file"
    script = READ_SCRIPT

    def read(self, answer: Answer) -> SwapFileState:
        fields = dict(line.split("=", 1) for line in answer.text.splitlines())
        memory = int(fields["memory"]) >> 10
        if "file" not in fields:
            return SwapFileState(memory)
        kind, size, mode = fields["file"].split("|")
        return SwapFileState(memory, kind, int(size) >> 20, int(mode, 8), "made" in fields, "used" in fields)


@dataclass(frozen=True, kw_only=True)
class Swap:
    """A swap file on the root disk, in use now and at every boot.

    In a container, which has no kernel of its own, the file is made but not asked to be in use.

    Args:
        mib: MiB; None: by the memory of the machine. What the limits of our services count on is 4 GiB of it up to
            8 GiB of memory; a larger machine needs it only for what it has not touched in a long time.
        needs: the steps before it; None is all that stand before it in the list. It writes /etc/fstab, so it must not
            run beside another step that does.

    Raises:
        ValueError: that is no size.
    """

    mib: int | None = None
    needs: Sequence[str] | None = None

    name = "swap"

    def __post_init__(self) -> None:
        if self.mib is not None and self.mib < 1:
            raise ValueError(f"{self.mib} MiB are no size of a swap file")

    def facts(self) -> Sequence[Fact[Any]]:
        return (SwapFile(), OwnKernel(), fstab.TABLE)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Its size, its mode, its signature, its line in fstab, and whether it is in use.

        Raises:
            StepRefused: something else is at its place.
        """
        found = facts[SwapFile()]
        if found.kind and not found.kind.startswith("regular"):
            raise StepRefused(facts.where, f"{PATH} should be a file, and is a {found.kind}. Move it away.")
        mib = self.mib or (4096 if found.memory_mib <= 8192 else 2048)
        changes: list[Change | None] = []
        if right := found.mib == mib:
            if found.mode != MODE:
                changes.append(Change("mode", f"{found.mode:04o}", f"{MODE:04o}"))
        else:
            changes.append(Change("size in MiB", found.mib, mib))
        if not (right and found.made):
            changes.append(Change("signature", None, "swap"))
        changes.append(fstab.change(facts, LINE, key=0))
        if facts[OwnKernel()] and not (right and found.used):
            changes.append(Change("in use", False, True))
        return tuple(change for change in changes if change)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Make the file, closed to others before anything is in it; take it into use."""
        for change in changes:
            match change.attribute, change.after:
                case "size in MiB", mib:
                    if change.before is not None:
                        # Not in use is no error; not enough memory for what is in it is one, and the fact tells it.
                        host.run(f"swapoff {PATH}")
                    host.must(
                        f"rm -f -- {PATH}\nfallocate --length {mib}MiB {PATH}\nchmod -- {MODE:04o} {PATH}",
                        advice="If the root disk is full, free some of it, or give it a larger root_volume_gib. If "
                        "the old file cannot be removed, memory has no room for what is in it: reboot.",
                    )
                case "mode", _:
                    host.must(f"chmod -- {MODE:04o} {PATH}", again=True)
                case "signature", _:
                    host.must(f"mkswap {PATH}")
                case fstab.ATTRIBUTE, Content() as table:
                    host.write(fstab.PATH, table.data)
                case "in use", _:
                    host.must(script(USE, PATH), again=True)
