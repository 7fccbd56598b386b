"""Machine: the guest, a container with systemd as its first process, which boots, reboots and is switched off."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.bed import network
from tests.e2e.bed.addresses import HOSTNAME
from tests.e2e.bed.command import run
from tests.e2e.bed.disk import Disk
from tests.e2e.bed.fence import Fence

REBOOT_REQUESTED = 133
DISKS = "etc/bed/disks"
INSIDE_SECONDS = 300
SHOW_DISKS = "/usr/local/lib/bed/disks"


class Machine:
    """A machine on a root disk. It is this process that holds it up: it ends with it."""

    def __init__(self, folder: Path, fence: Fence, disks: Iterable[Disk]) -> None:
        self.disks = list(disks)
        self.boots = 0
        self.over = threading.Event()
        self._folder = folder
        self._root = folder / "root"
        self._fence = fence
        self._container: subprocess.Popen[bytes] | None = None
        self._pulled = False

    def start(self) -> None:
        """Switch it on, with the first of its disks as the root disk."""
        for disk in self.disks:
            self._fence.let(disk.number)
        self._root.mkdir()
        run("mount", self.disks[0].device, self._root)
        (self._root / DISKS).parent.mkdir(exist_ok=True)
        self._tell_disks()
        threading.Thread(target=self._stay_up, daemon=True).start()

    def attach(self, disk: Disk) -> None:
        """Add a disk, as AttachVolume does."""
        self._fence.let(disk.number)
        self.disks.append(disk)
        self.show_disks()

    def show_disks(self) -> None:
        """Let the running guest see what its disks have become."""
        self._tell_disks()
        self.inside(SHOW_DISKS)

    def inside(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a bash script as root in the guest, not over the network; status 124 if it does not come to an end."""
        leader = str(self._leader())
        spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", f"--root=/proc/{leader}/root", "--wdns=/"]
        # What systemd-nspawn takes away of those, too; its filter of system calls (swapon) is not here.
        limits = ["setpriv", "--bounding-set=-sys_time,-sys_module,-sys_rawio", "timeout", str(INSIDE_SECONDS)]
        command = ["nsenter", "--target", leader, *spaces, *limits, "bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(
            self._fence.behind(*command), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    def pull_the_plug(self) -> None:
        """Power off and on again, without a word to the guest."""
        self._pulled = True
        os.kill(self._leader(), signal.SIGKILL)

    def _tell_disks(self) -> None:
        (self._root / DISKS).write_text("".join(disk.line for disk in self.disks))

    def _stay_up(self) -> None:
        try:
            status = REBOOT_REQUESTED
            while status == REBOOT_REQUESTED or self._pulled:
                self._pulled = False
                self.boots += 1
                status = self._boot()
                network.unplug(self.boots)
        finally:
            self.over.set()

    def _boot(self) -> int:
        wire = network.plug_in(self.boots)
        words = [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            f"--directory={self._root}",
            f"--machine={self._fence.name}",
            f"--hostname={HOSTNAME}",
            f"--network-namespace-path={wire}",
            # There may be no systemd on this machine that could keep a register, and no unit to make.
            "--register=no",
            "--keep-unit",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=read-only",
            # What Docker needs, without what reaches beyond the container: clock, modules, raw devices, swap.
            "--capability=all",
            "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE,CAP_SYS_RAWIO",
            "--system-call-filter=add_key keyctl bpf",
            "--system-call-filter=~@swap",
            "--bind=/dev/fuse",
            "--bind=/dev/net/tun",
        ]
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            # Docker sets what is below net in sysctl, which is the namespace's; the rest is this machine's.
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
        }
        with (self._folder / "console.log").open("ab") as console:
            self._container = subprocess.Popen(
                self._fence.within(*words),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
            return self._container.wait()

    def _leader(self) -> int:
        """The guest's first process."""
        if self._container is None:
            raise ProcessLookupError("the machine is not on")
        container = self._container.pid
        children = Path(f"/proc/{container}/task/{container}/children").read_text().split()
        if not children:
            raise ProcessLookupError("the machine is between two boots")
        return int(children[0])
