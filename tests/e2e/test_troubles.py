"""What a test can let go wrong with the bed: it does, and it passes."""

from pathlib import Path

import pytest

from dify_aws.host.errors import ConnectionLost
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.secrets import Secret
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.kept import BedFailed
from tests.e2e.bed.troubles import cut_at, full_disk, small_memory, taken_port


def test_a_mirror_that_has_nothing(bed: Bed) -> None:
    """apt cannot update as long as it lasts."""
    with bed.fault(r"archive\.ubuntu\.com/ubuntu/dists/", 404), pytest.raises(BedFailed, match="404"):
        bed.inside("apt-get update 2>&1")
    bed.inside("apt-get update 2>&1")


@pytest.mark.parametrize(
    ("match", "message"),
    [(r"/Packages(\.gz)?$", "Hash Sum mismatch"), (r"\.deb$", "Hash Sum mismatch"), (r"/InRelease$", "is not signed")],
)
def test_a_mirror_that_is_damaged(bed: Bed, match: str, message: str) -> None:
    """Whatever of it is, apt says no."""
    install = "rm -rf /var/lib/apt/lists/*; apt-get update 2>&1; apt-get install --reinstall --yes jq 2>&1"
    with bed.fault(match, damaged=True), pytest.raises(BedFailed, match=message):
        bed.inside(install)
    bed.inside(f"{install}; apt-get clean")


def test_a_package_that_is_damaged_is_not_what_was_signed(bed: Bed) -> None:
    """The signature of the agent's package is a good one of another file."""
    url = "https://amazoncloudwatch-agent.s3.amazonaws.com"
    get = f"curl -fsSO {url}/ubuntu/amd64/latest/amazon-cloudwatch-agent.deb"
    bed.inside(f"cd /srv; curl -fsS {url}/assets/amazon-cloudwatch-agent.gpg | gpg --import; {get}.sig")
    verify = f"cd /srv; {get}; gpg --verify amazon-cloudwatch-agent.deb.sig amazon-cloudwatch-agent.deb 2>&1"
    with bed.fault(r"\.deb$", damaged=True), pytest.raises(BedFailed, match="BAD signature"):
        bed.inside(verify)
    bed.inside(verify)


def test_a_name_that_does_not_resolve(bed: Bed) -> None:
    """DNS does not know it, whoever has answered by it before."""
    with bed.fault(r"download\.docker\.com/dns"), pytest.raises(BedFailed, match="resolve host"):
        bed.inside("curl -fsS https://download.docker.com/linux/ubuntu/gpg 2>&1")


def test_a_name_that_comes_and_goes(bed: Bed) -> None:
    """And is the guest's own in between."""
    bed.point("dify.example.com")
    assert bed.inside("getent ahostsv4 dify.example.com | head -n 1").split()[0] == "10.0.0.10"
    bed.point("dify.example.com", None)
    assert bed.inside("getent ahostsv4 dify.example.com || true") == ""


def test_a_disk_that_is_full(bed: Bed) -> None:
    """Not even root writes to it; afterwards there is as much room as before."""
    free = "df --output=avail / | tail -n 1"
    before = int(bed.inside(free))
    with full_disk(bed, "/srv"), pytest.raises(BedFailed, match="No space left on device"):
        bed.inside("head -c 100000 /dev/zero >/srv/more")
    bed.inside("rm /srv/more; head -c 100000 /dev/zero >/srv/more; rm /srv/more")
    assert abs(int(bed.inside(free)) - before) < 10_000


def test_a_memory_that_is_small(bed: Bed) -> None:
    """For whoever asks how much there is."""
    with small_memory(bed, 1024):
        assert bed.inside("free -m | awk '/^Mem/ {print $2}'") == "1024\n"
    assert int(bed.inside("free -m | awk '/^Mem/ {print $2}'")) > 1024


def test_a_port_that_is_taken(bed: Bed) -> None:
    """By a program that answers."""
    with taken_port(bed, 80):
        assert bed.get("/")[0] == 501
        assert "python3" in bed.inside("ss -Hltnp 'sport = :80'")
    assert bed.inside("ss -Hltn 'sport = :80'") == ""


@pytest.mark.parametrize(("seconds", "begun"), [(0, ""), (0.3, "yes\n")], ids=["before it", "within it"])
def test_a_connection_that_is_cut_at_a_command(bed: Bed, seconds: float, begun: str) -> None:
    """The command before goes through, this one is lost before or after it began, and the next goes through again."""
    bed.inside("systemctl is-system-running --wait >/dev/null || true; rm -f /run/begun")
    with (
        SshHost(bed.host, bed.user, key=Secret(bed.key), host_key=bed.host_key, port=bed.port) as host,
        cut_at(bed, 2, seconds),
    ):
        host.must("true")
        with pytest.raises(ConnectionLost):
            host.must("echo yes >/run/begun; sleep 5")
        assert bed.inside("cat /run/begun 2>/dev/null || true") == begun
        host.must("true")


def test_the_kernel_is_lent_and_not_given(bed: Bed) -> None:
    """Swap and memory settings are taken and told again, over a reboot too, and this machine's stay what they are."""
    ours = [Path("/proc/swaps"), Path("/proc/sys/vm/swappiness")]
    before = [path.read_text() for path in ours]
    bed.inside(
        "fallocate -l 16M /swapfile; chmod 600 /swapfile; ! swapon /swapfile; mkswap /swapfile; swapon /swapfile;"
        "echo '/swapfile none swap sw 0 0' >>/etc/fstab; sysctl --write vm.swappiness=7;"
        "echo vm.swappiness=7 >/etc/sysctl.d/90-try.conf"
    )
    bed.reboot()
    bed.inside("systemctl is-system-running --wait >/dev/null || true")
    assert bed.inside("swapon --show=NAME,SIZE --noheadings").split() == ["/swapfile", "16M"]
    assert bed.inside("sysctl --values vm.swappiness") == "7\n"
    assert [path.read_text() for path in ours] == before
    bed.inside("swapoff /swapfile; sed -i /swapfile/d /etc/fstab; rm /swapfile /etc/sysctl.d/90-try.conf")
    assert bed.inside("swapon --show") == ""
