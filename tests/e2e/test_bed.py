"""The bed itself: what the end-to-end tests stand on is as EC2 and the outside world would have it."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.bed.bed import Bed
from tests.e2e.bed.kept import BedFailed


def test_ssh_answers_with_the_key_pair_and_the_host_key_of_the_console(bed: Bed, tmp_path: Path) -> None:
    """OpenSSH's own client logs in as ubuntu, trusting nothing but what the console told, and is root by sudo."""
    key, known = tmp_path / "key", tmp_path / "known_hosts"
    key.touch(0o600)
    key.write_text(bed.key)
    known.write_text("".join(f"[{bed.host}]:{bed.port} {line}\n" for line in bed.host_key.splitlines()))
    options = {"BatchMode": "yes", "StrictHostKeyChecking": "yes", "UserKnownHostsFile": known, "IdentityFile": key}
    words = [f"-o{name}={value}" for name, value in options.items()]
    # Until the end of the boot sshd lets nobody in but root.
    bed.inside("systemctl is-system-running --wait || true")
    done = subprocess.run(
        ["ssh", "-F/dev/null", *words, "-p", str(bed.port), f"{bed.user}@{bed.host}", "sudo whoami"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stdout) == (0, "root\n"), done.stderr


def test_cloud_init_finished_without_errors(bed: Bed) -> None:
    """It took the instance for one of EC2's."""
    output = bed.inside("cloud-init status --wait --long")
    assert "status: done" in output
    assert "DataSourceEc2" in output
    assert "errors: []" in output


def test_nothing_failed_while_it_booted(bed: Bed) -> None:
    """systemd is the first process, and every unit came up."""
    assert bed.inside("systemctl is-system-running --wait").strip() == "running"


def test_the_data_disk_is_blank_and_found_by_its_volume_id(bed: Bed) -> None:
    """The link that udev makes of an EBS volume's serial number; no signature is on the disk behind it."""
    serial = bed.data_volume_id.replace("-", "")
    disk = bed.inside(f"readlink -f /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{serial}").strip()
    assert disk == "/dev/nvme1n1"
    assert bed.inside(f"wipefs --noheadings {disk}; blkid -p {disk} || true") == ""
    assert bed.inside(f"lsblk -bdno SIZE {disk}").strip() == str(10 << 30)


def test_a_disk_is_attached_and_grown_while_the_machine_runs(bed: Bed) -> None:
    """As AttachVolume and ModifyVolume do."""
    volume = bed.attach_disk(2)
    size = f"lsblk -bdno SIZE /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}"
    assert bed.inside(size).strip() == str(2 << 30)
    bed.grow_disk(volume, 3)
    assert bed.inside(size).strip() == str(3 << 30)


def test_the_guest_cannot_open_the_disks_of_this_machine(bed: Bed) -> None:
    """It may make a node for any device, and is refused to open one that is not its own.

    It is a loop device that no bed has: where nothing refuses, it is told to be missing.
    """
    output = bed.inside("mknod /srv/foreign b 7 4095; head -c 1 /srv/foreign 2>&1 || true; rm /srv/foreign")
    assert "Operation not permitted" in output


def test_metadata_needs_a_token(bed: Bed) -> None:
    """Version 2 answers, version 1 is off."""
    url = "http://169.254.169.254/latest"
    token = f"$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {url}/api/token)"
    output = bed.inside(f'curl -fsS -H "X-aws-ec2-metadata-token: {token}" {url}/meta-data/instance-id')
    assert output.startswith("i-0")
    refused = bed.inside(f"curl -s -o /dev/null -w '%{{http_code}}' {url}/meta-data/instance-id")
    assert refused == "401"


def test_nothing_else_is_out_there(bed: Bed) -> None:
    """A name that is not served does not exist, and an address is not reached."""
    output = bed.inside("getent hosts example.com || echo none; curl -sS -m 2 http://192.0.2.1 2>&1 || true")
    assert output.startswith("none\n")
    assert "curl: (" in output


def test_docker_and_compose_come_from_apt(docker: Bed) -> None:
    """Signed packages, a daemon that runs, and the key that the bed says they are signed with."""
    assert "Docker Compose version" in docker.inside("systemctl is-active docker && docker compose version")
    output = docker.inside("gpg --show-keys --with-colons /etc/apt/keyrings/docker.asc 2>/dev/null")
    assert docker.archive_fingerprint in output


def test_a_fault_of_the_registry_is_seen_and_passes(docker: Bed) -> None:
    """503 as long as it lasts, and the pull that failed works afterwards."""
    pull = "docker pull --quiet redis:7.4.9-alpine 2>&1"
    with docker.fault(r"registry-1\.docker\.io/v2/", 503), pytest.raises(BedFailed, match="503"):
        docker.inside(pull)
    assert "redis:7.4.9-alpine" in docker.inside(pull)


def test_an_image_that_does_not_exist_is_not_pulled(docker: Bed) -> None:
    """The registry's own error."""
    with pytest.raises(BedFailed, match=r"not found|manifest unknown"):
        docker.inside("docker pull --quiet redis:0.0 2>&1")


@pytest.mark.parametrize("plug_pulled", [False, True], ids=["orderly", "plug pulled"])
def test_a_reboot_comes_back_with_the_disk(bed: Bed, plug_pulled: bool) -> None:
    """Another boot, the same volume, mounted by what fstab says of its UUID."""
    boot = bed.inside("cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat | cut -d' ' -f22")
    volume = bed.attach_disk(1)
    link = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}"
    bed.inside(
        f"mkfs.ext4 -q {link}; mkdir -p /mnt/{volume};"
        f'echo "UUID=$(blkid -s UUID -o value {link}) /mnt/{volume} ext4 nofail 0 2" >>/etc/fstab;'
        f"mount -a; echo kept >/mnt/{volume}/file; sync"
    )
    bed.reboot(plug_pulled=plug_pulled)
    assert bed.inside("cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat | cut -d' ' -f22") != boot
    bed.inside("systemctl is-system-running --wait || true")
    assert bed.inside(f"findmnt --noheadings --output TARGET {link}; cat /mnt/{volume}/file").split() == [
        f"/mnt/{volume}",
        "kept",
    ]
