"""Base system: what Dify stands on, as lists of steps: the machine, its disk and memory, and Docker Engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from dify_aws.dify.known_releases import release_of
from dify_aws.dify.release import Requirements
from dify_aws.dify.versions import numbers
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.step import Step
from dify_aws.host.steps.apt_repository import AptRepository
from dify_aws.host.steps.cloud_init import CloudInit
from dify_aws.host.steps.data_disk import DataDisk
from dify_aws.host.steps.directory import Directory
from dify_aws.host.steps.file import File
from dify_aws.host.steps.machine import PROCESSORS, Machine
from dify_aws.host.steps.packages import Packages
from dify_aws.host.steps.service import Service
from dify_aws.host.steps.swap import Swap
from dify_aws.host.steps.sysctl import Sysctl
from dify_aws.instance_types import architecture
from dify_aws.limits import limits_of
from dify_aws.runtimes.compose.paths import DAEMON, UNITS
from dify_aws.runtimes.compose.render import render
from dify_aws.settings import Settings

MOUNT: Final = "/data"
"""Where the data disk is mounted."""

KERNEL: Final = {
    # Redis forks to save, and Linux must not refuse it memory that it will hardly touch:
    # https://redis.io/docs/latest/operate/oss_and_stack/management/admin/#linux
    "vm.overcommit_memory": "1",
    # Swap is for a moment of need, not for what was not used for a minute.
    "vm.swappiness": "10",
}

TOOLS: Final = ("ca-certificates", "curl", "gnupg", "gpgv", "logrotate", "rsyslog", "unattended-upgrades")
"""What an image of Ubuntu usually has, and what the steps after this use."""

DOCKER_LEAST: Final = "25.0"
"""The lowest Docker Engine that knows start_interval, by which compose.yaml lets a container be healthy at once."""

COMPOSE_LEAST: Final = "2.24"
"""The lowest Compose that our compose.yaml is tested with."""

DROP_IN: Final = f"{UNITS}/docker.service.d"
DOCKER: Final = "service docker.service"
"""The last of these steps. Who needs Docker needs it."""


def base_system(
    settings: Settings, *, volume_id: str, device: str = "", clock: Callable[[], float] | None = time.time
) -> tuple[Step, ...]:
    """The steps, in an order in which they can be done; what does not need another is done beside it.

    Args:
        settings: what is desired.
        volume_id: of the EBS volume for what Dify stores.
        device: what that volume is attached as in AWS ("/dev/sdf"): a type on Xen finds it by that.
        clock: seconds since 1970, to compare the machine's clock with; None: it is not compared.
    """
    memory = limits_of(settings).machine_mib(settings.vector_store)
    disk = DataDisk(volume_id=volume_id, path=MOUNT, device=device, needs=("cloud-init",))
    return (
        Machine(
            memory_mib=memory,
            processor=PROCESSORS[architecture(settings.instance_type)],
            clock=clock,
            needs=(),
        ),
        CloudInit(needs=("machine",)),
        # What takes longest comes first, since of the steps that could begin, the first in the list does.
        disk,
        Packages(requirements=TOOLS, needs=("cloud-init",)),
        # After the disk, and not beside it, since both write /etc/fstab.
        Swap(needs=(disk.name,)),
        Sysctl(values=KERNEL, needs=("cloud-init",)),
        *_journal(),
        *_upgrades(),
    )


def _journal() -> tuple[Step, ...]:
    folder = Directory(path="/etc/systemd/journald.conf.d", needs=("cloud-init",))
    file = File(path=f"{folder.path}/dify-aws.conf", data=render("journald.conf.j2"), needs=(folder.name,))
    return (
        folder,
        file,
        Service(unit="systemd-journald.service", enabled=None, reads=(file.path,), needs=(file.name,)),
    )


def _upgrades() -> tuple[Step, ...]:
    """Of security, by themselves. After the package: it asks what to do with a file that was there before it."""
    needs = (Packages(requirements=TOOLS).name,)
    folder = "/etc/apt/apt.conf.d"
    return (
        File(path=f"{folder}/20auto-upgrades", data=render("auto-upgrades.j2"), needs=needs),
        File(path=f"{folder}/52dify-aws", data=render("unattended-upgrades.j2"), needs=needs),
    )


def engine_packages(source: str, requirements: Requirements) -> tuple[str, ...]:
    """The packages of Docker Engine and Compose, with the versions that a release and compose.yaml ask for.

    Args:
        source: where they come from: Docker's own repository ("docker"), or that of the distribution.
        requirements: of the release.
    """
    docker = max(requirements.docker, DOCKER_LEAST, key=numbers)
    compose = max(requirements.compose, COMPOSE_LEAST, key=numbers)
    if source == "docker":
        packages = ("docker-ce-cli", "containerd.io", "docker-buildx-plugin")
        return (f"docker-ce>={docker}", *packages, f"docker-compose-plugin>={compose}")
    return (f"docker.io>={docker}", f"docker-compose-v2>={compose}")


def docker_engine(settings: Settings, *, daemon: str, publishers: Publishers) -> tuple[Step, ...]:
    """Docker Engine. It starts as soon as it is installed, so what it must know by then is there before it.

    Args:
        settings: what is desired.
        daemon: the text of Docker's daemon.json.
        publishers: whose packages are trusted.
    """
    tools = Packages(requirements=TOOLS).name
    folders = (Directory(path="/etc/docker", needs=("cloud-init",)), Directory(path=DROP_IN, needs=("cloud-init",)))
    files = (
        File(path=DAEMON, data=daemon, needs=(folders[0].name,)),
        File(path=f"{DROP_IN}/data.conf", data=render("docker-data.conf.j2", mount=MOUNT), needs=(folders[1].name,)),
    )
    repository: tuple[Step, ...] = ()
    if settings.docker_source == "docker":
        url = "https://download.docker.com/linux/ubuntu"
        repository = (
            AptRepository(label="docker", url=url, key_url=f"{url}/gpg", fingerprint=publishers.docker, needs=(tools,)),
        )
    before = [f"data disk {MOUNT}", tools, *(step.name for step in (*files, *repository))]
    requirements = release_of(settings.dify_version, settings.release).requirements
    engine = Packages(requirements=engine_packages(settings.docker_source, requirements), needs=before)
    return (
        *folders,
        *repository,
        *files,
        engine,
        Service(unit="docker.service", reads=(DAEMON,), needs=(engine.name,)),
    )
