"""The ground of Dify on a real machine: disk, memory, journal, packages and Docker; with bad luck of each kind.

Growing a mounted file system needs a capability that root may lack where the bed stands (CAP_SYS_RESOURCE). There, the
kernel's refusal is what is seen, and the disk is grown while it is not mounted.
"""

import shlex
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dify_aws.host.converge import converge_host
from dify_aws.host.disks.block_device import MARKS
from dify_aws.host.errors import InstallFailed
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.script import script
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.host.step import Step
from dify_aws.host.steps.apt_repository import AptRepository
from dify_aws.host.steps.data_disk import FORMAT, DataDisk
from dify_aws.host.steps.file import File
from dify_aws.host.steps.machine import Machine
from dify_aws.host.steps.packages import Packages
from dify_aws.host.steps.service import Service
from dify_aws.runtimes.compose.base_system import base_system, docker_engine
from dify_aws.runtimes.compose.paths import DAEMON
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.troubles import cut_at, full_disk, small_memory, taken_port

CONFIGURATION = '{"data-root": "/data/docker", "live-restore": true}\n'
HOLD = """
import fcntl, time
lock = open("/var/lib/apt/lists/lock", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
open("/run/held", "w")
time.sleep(3)
"""


@pytest.fixture(scope="module")
def host(bed: Bed) -> Iterator[SshHost]:
    """A connection to it."""
    with SshHost(bed.host, bed.user, key=Secret(bed.key), host_key=bed.host_key, port=bed.port) as host:
        yield host


@pytest.fixture(scope="module")
def steps(bed: Bed) -> tuple[Step, ...]:
    """What is wished for."""
    settings, publishers = Settings(environment="dev"), replace(Publishers(), docker=bed.archive_fingerprint)
    return (
        *base_system(settings, volume_id=bed.data_volume_id),
        *docker_engine(settings, daemon=CONFIGURATION, publishers=publishers),
    )


@pytest.fixture(scope="module")
def ready(bed: Bed, host: SshHost, steps: tuple[Step, ...]) -> Bed:
    """The bed with all of it."""
    converge_host(host, steps)
    return bed


class Volume:
    """Another disk, and what the tests do with it."""

    def __init__(self, bed: Bed, gib: int = 1) -> None:
        self.bed = bed
        self.id = bed.attach_disk(gib)
        self.device = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{self.id.replace('-', '')}"
        self.step = DataDisk(volume_id=self.id, path=f"/mnt/{self.id}")

    def wipe(self) -> None:
        """Blank, and known to nobody, as on the first day."""
        self.bed.inside(
            # Somebody whose connection was cut may still be at work on it.
            f"for _ in $(seq 50); do umount {self.step.path} 2>&- || true;"
            f" if blkdiscard --zeroout {self.device}; then break; fi; sleep 0.2; done;"
            f"rm -rf {self.step.path} {MARKS};"
            f"sed -i '\\#{self.step.path}#d' /etc/fstab"
        )

    def __enter__(self) -> "Volume":
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()


def test_a_second_run_changes_nothing_in_one_round_trip(ready: Bed, host: SshHost, steps: tuple[Step, ...]) -> None:
    """All that was done is seen from the machine."""
    again = converge_host(host, steps)
    assert not again, str(again)
    assert again.round_trips == 1


def test_docker_lives_on_the_data_disk(ready: Bed) -> None:
    """It found its configuration when it first started; nothing of it is on the root disk."""
    assert ready.inside("docker info --format '{{.DockerRootDir}}'").strip() == "/data/docker"
    assert ready.inside("ls -d /var/lib/docker 2>&- || true") == ""
    assert ready.inside("findmnt --noheadings --output FSTYPE,OPTIONS /data").split()[0] == "ext4"
    assert "/data" in ready.inside("systemctl show --property=RequiresMountsFor docker.service")


def test_unattended_upgrades_are_for_holes_only(ready: Bed) -> None:
    """As apt itself reads all its files together; Docker's repository is not among them."""
    output = ready.inside("apt-config dump | grep -E 'Unattended-Upgrade::(Allowed-Origins|Origins-Pattern|Automatic)'")
    origins = [line for line in output.splitlines() if ":: " in line]
    assert len(origins) == 3
    assert all("-security" in line for line in origins)
    assert 'Automatic-Reboot "false"' in output


def test_the_journal_has_read_its_limit(ready: Bed) -> None:
    """It says so when it starts."""
    assert "max 500M" in ready.inside("journalctl --no-pager --output=cat _COMM=systemd-journal | tail -n 3")


def test_a_machine_that_is_not_fit_is_refused_with_all_that_is_wrong(bed: Bed, host: SshHost) -> None:
    """Nothing is changed."""
    with taken_port(bed, 80), small_memory(bed, 1900), pytest.raises(InstallFailed) as failed:
        converge_host(host, [Machine()])
    assert "it has 1900 MiB of memory" in str(failed.value)
    assert "port 80 is held by python3" in str(failed.value)


def test_a_full_root_disk_is_reported(ready: Bed, host: SshHost) -> None:
    """Before anything is begun."""
    with full_disk(ready, "/"), pytest.raises(InstallFailed, match=r"root disk has \d+ MiB left"):
        converge_host(host, [Machine()])


def test_a_full_data_disk_is_reported(ready: Bed, host: SshHost, steps: tuple[Step, ...]) -> None:
    """With the way out."""
    with full_disk(ready, "/data"), pytest.raises(InstallFailed, match="larger data_volume_gib"):
        converge_host(host, [step for step in steps if step.name in ("machine", "cloud-init", "data disk /data")])


# The disk ------------------------------------------------------------------------------------------------------------


def test_a_disk_with_anything_on_it_is_never_formatted(bed: Bed, host: SshHost) -> None:
    """Whatever it is, it stays as it is; what mkfs would write to first is compared byte for byte."""
    first = "head -c 64M"
    with Volume(bed) as volume:
        for put, message in (
            (f"mkswap {volume.device}", "has something on it: swap"),
            (f"echo 'label: gpt' | sfdisk --quiet {volume.device}", "has something on it:.*gpt"),
            (f"mkfs.ext4 -q {volume.device}; echo 'label: dos' | sfdisk --quiet --wipe never {volume.device}", "dos"),
            (f"mkfs.ext2 -q {volume.device}", "has something on it: ext2"),
            (f"echo precious | dd of={volume.device} bs=4096 seek=7 status=none", "it is not empty"),
        ):
            volume.wipe()
            bed.inside(put)
            before = bed.inside(f"{first} {volume.device} | sha256sum")
            with pytest.raises(InstallFailed, match=message):
                converge_host(host, [volume.step])
            # Not even the script that formats does it, when it comes too late.
            late = host.run(script(FORMAT, volume.id, volume.step.uuid, MARKS, ""))
            assert (late.status, "is not blank" in late.stderr) == (65, True)
            assert bed.inside(f"{first} {volume.device} | sha256sum") == before, put


def test_a_formatting_that_is_killed_is_finished_by_the_next_run(bed: Bed, host: SshHost) -> None:
    """At many moments after it has begun; some leave half a file system, with no signature, and not empty."""
    with Volume(bed) as volume:
        mark = f"{MARKS}/formatting-{volume.id}"
        form = shlex.quote(script(FORMAT, volume.id, volume.step.uuid, MARKS, ""))
        for seconds in (0, 0.005, 0.01, 0.02, 0.04):
            volume.wipe()
            bed.inside(
                f"setsid bash -euo pipefail -c {form} & until [ -e {mark} ]; do sleep 0.001; done;"
                f"sleep {seconds}; kill -KILL -- -$! || true; wait || true"
            )
            assert converge_host(host, [volume.step])
            assert not converge_host(host, [volume.step])
            assert bed.inside(f"fsck.ext4 -n {volume.device} >/dev/null 2>&1; ls {volume.step.path}") == "lost+found\n"
        # And the state itself, whatever the clock was good for.
        volume.wipe()
        bed.inside(f"mkdir -p {MARKS}; touch {mark}; echo half >{volume.device}")
        assert converge_host(host, [volume.step])
        assert bed.inside(f"ls -A {MARKS}") == ""


def test_a_connection_that_is_cut_anywhere_is_made_again(bed: Bed, host: SshHost) -> None:
    """The same run goes on, whichever command it was; also when the command goes on without us."""
    with Volume(bed) as volume:
        for number, seconds in ((1, 0.0), (2, 0.0), (2, 0.05), (3, 0.0), (4, 0.0), (4, 0.05), (5, 0.0)):
            volume.wipe()
            with cut_at(bed, number, seconds):
                assert converge_host(host, [volume.step]), (number, seconds)
            assert not converge_host(host, [volume.step])
            # Linux would mount it twice, at the same place, for two that are at it at the same time.
            assert bed.inside(f"grep -c {volume.id} /proc/mounts") == "1\n", (number, seconds)


def test_a_disk_that_grew_is_grown_with_its_files(bed: Bed, host: SshHost) -> None:
    """While it is mounted, where the kernel lets root do that; here or there, what is on it stays."""
    with Volume(bed) as volume:
        converge_host(host, [volume.step])
        bed.inside(f"echo kept >{volume.step.path}/file")
        bed.grow_disk(volume.id, 2)
        (change,) = converge_host(host, [volume.step], dry_run=True)[volume.step.name].changes
        assert str(change) == "size: 1 GiB → 2 GiB"
        if int(bed.inside("sed -n 's/^CapBnd:\\s*//p' /proc/self/status"), 16) >> 24 & 1:
            converge_host(host, [volume.step])
        else:
            with pytest.raises(InstallFailed, match="Permission denied to resize filesystem"):
                converge_host(host, [volume.step])
            grow = f"fsck.ext4 -fp {volume.device}; resize2fs {volume.device}"
            bed.inside(f"umount {volume.step.path}; ({grow}; mount {volume.step.path}) >/dev/null 2>&1")
        assert not converge_host(host, [volume.step])
        assert bed.inside(f"cat {volume.step.path}/file") == "kept\n"


def test_what_is_at_the_place_of_the_disk_is_not_hidden(bed: Bed, host: SshHost) -> None:
    """Files of the root disk, or another mount."""
    with Volume(bed) as volume:
        path = volume.step.path
        bed.inside(f"mkdir -p {path}; echo precious >{path}/file")
        with pytest.raises(InstallFailed, match="is not empty, and nothing is mounted there: file"):
            converge_host(host, [volume.step])
        bed.inside(f"mount -t tmpfs other {path}")
        with pytest.raises(InstallFailed, match=r"other \(tmpfs\) is mounted already"):
            converge_host(host, [volume.step])
        assert bed.inside(f"umount {path}; cat {path}/file") == "precious\n"


# Packages ------------------------------------------------------------------------------------------------------------


def test_a_key_with_another_fingerprint_is_not_put_in_place(bed: Bed, host: SshHost) -> None:
    """Both are named."""
    url = "https://download.docker.com/linux/ubuntu"
    step = AptRepository(label="other", url=url, key_url=f"{url}/gpg", fingerprint=Publishers().docker)
    with pytest.raises(InstallFailed, match=f"(?s)trusted: {Publishers().docker}.*found: +{bed.archive_fingerprint}"):
        converge_host(host, [step])
    assert bed.inside("ls /etc/apt/keyrings/other.asc /etc/apt/sources.list.d/other.sources 2>&- || true") == ""


def test_a_mirror_that_is_down_is_reported_and_the_next_run_goes_on(bed: Bed, host: SshHost) -> None:
    """503 as long as it lasts."""
    step = Packages(requirements=("pigz",))
    reported = r"(?s)503.*repository cannot be reached.*Run again"
    with bed.fault(r"archive\.ubuntu\.com/ubuntu/pool", 503), pytest.raises(InstallFailed, match=reported):
        converge_host(host, [step])
    assert converge_host(host, [step])


def test_another_who_installs_packages_is_waited_for(bed: Bed, host: SshHost) -> None:
    """With a lock that apt-get itself does not wait for."""
    kept = "until [ -e /run/held ]; do sleep 0.05; done; rm /run/held"
    bed.inside(f"systemd-run --quiet --collect python3 -c {shlex.quote(HOLD)}; {kept}")
    assert converge_host(host, [Packages(requirements=("unzip",))])


def test_what_dpkg_was_interrupted_in_is_finished(bed: Bed, host: SshHost) -> None:
    """A package that was unpacked and not configured."""
    bed.inside("apt-get update -qq; cd /tmp && apt-get download -qq rsync 2>&- && dpkg --unpack rsync_*.deb >/dev/null")
    report = converge_host(host, [Packages(requirements=("rsync",))])
    assert [str(change) for change in report["packages rsync"].changes] == ["rsync: half done (iU) → installed"]


# Services ------------------------------------------------------------------------------------------------------------


def test_a_service_with_a_broken_configuration_is_reported_with_its_journal_and_repaired(
    ready: Bed, host: SshHost
) -> None:
    """Docker says what is wrong with its file; with the right one it is started again, and only once."""
    docker = Service(unit="docker.service", reads=(DAEMON,))
    with pytest.raises(InstallFailed, match=r"(?s)journal:.*daemon\.json"):
        converge_host(host, [File(path=DAEMON, data="{"), docker])
    repaired = converge_host(host, [File(path=DAEMON, data=CONFIGURATION), docker])
    assert repaired.named("done") == (f"file {DAEMON}", "service docker.service")
    assert not converge_host(host, [File(path=DAEMON, data=CONFIGURATION), docker])


def test_a_unit_that_was_changed_is_read_again_and_restarted(bed: Bed, host: SshHost) -> None:
    """Also when somebody has reloaded it already, and only its process is older."""
    path = "/etc/systemd/system/idle.service"
    idle = "[Service]\nExecStart=/bin/sleep {}\n[Install]\nWantedBy=multi-user.target\n"
    unit = Service(unit="idle.service")
    assert converge_host(host, [File(path=path, data=idle.format(1000)), unit])
    for number, between in ((2000, "true"), (3000, "systemctl daemon-reload")):
        host.must("true")
        converge_host(host, [File(path=path, data=idle.format(number))])
        bed.inside(between)
        assert converge_host(host, [unit]).named("done") == ("service idle.service",)
        assert not converge_host(host, [unit])
        assert bed.inside("systemctl show --property=ExecStart idle.service").count(f"sleep {number}") == 1


@pytest.mark.parametrize("plug_pulled", [False, True], ids=["orderly", "plug pulled"])
def test_all_of_it_is_there_after_a_reboot(
    ready: Bed, host: SshHost, steps: tuple[Step, ...], plug_pulled: bool
) -> None:
    """The disk is mounted, Docker runs, and there is nothing to do."""
    ready.reboot(plug_pulled=plug_pulled)
    ready.inside("systemctl is-system-running --wait || true")
    assert ready.inside("systemctl is-active docker.service data.mount").split() == ["active", "active"]
    again = converge_host(host, steps)
    assert not again, str(again)
