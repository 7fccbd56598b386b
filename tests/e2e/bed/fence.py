"""Fence: the control groups of a bed, which keep the guest off the devices of this machine."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.needs import DEVICES

# Beside its own disks the guest may make any node (Docker unpacks images that have some) and open these: null, zero,
# full, random, urandom, tty, ptmx, pseudo-terminals, tun, fuse.
ALLOWED = (
    "b *:* m",
    "c *:* m",
    *(f"c {number} rw" for number in "1:3 1:5 1:7 1:8 1:9 5:0 5:2 136:* 10:200 10:229".split()),
)
END_SECONDS = 10.0


@dataclass(frozen=True)
class Fence:
    """Groups of one name, in each hierarchy that the guest is to have a place of its own in."""

    name: str

    @property
    def _devices(self) -> Path:
        return DEVICES / self.name

    @property
    def groups(self) -> list[Path]:
        """Their folders. systemd in the guest has "unified", or "systemd", for itself."""
        roots = [DEVICES, *(DEVICES.with_name(name) for name in ("unified", "systemd"))]
        return [root / self.name for root in roots if root.is_dir()]

    def raise_(self) -> None:
        """Make the groups."""
        for group in self.groups:
            group.mkdir(exist_ok=True)
        (self._devices / "devices.deny").write_text("a")
        for rule in ALLOWED:
            (self._devices / "devices.allow").write_text(rule)

    def let(self, number: tuple[int, int]) -> None:
        """Let the guest use a block device."""
        (self._devices / "devices.allow").write_text(f"b {number[0]}:{number[1]} rw")

    def within(self, *command: str) -> list[str]:
        """A command, run in all the groups from its first moment on."""
        return _joining(self.groups, command)

    def behind(self, *command: str) -> list[str]:
        """A command, run with the guest's devices only; where it is in the guest's own groups stays open."""
        return _joining([self._devices], command)

    def remove(self) -> None:
        """Take the groups away. Whoever was in them may need a moment to end."""
        until = time.monotonic() + END_SECONDS
        for group in self.groups:
            for folder in sorted((path for path in [group, *group.rglob("*")] if path.is_dir()), reverse=True):
                while folder.is_dir():
                    try:
                        folder.rmdir()
                    except OSError:
                        if time.monotonic() > until:
                            raise
                        time.sleep(0.05)


def _joining(groups: list[Path], command: tuple[str, ...]) -> list[str]:
    files = [str(group / "cgroup.procs") for group in groups]
    return ["sh", "-c", f'for group in {" ".join(files)}; do echo $$ >"$group"; done; exec "$@"', "sh", *command]
