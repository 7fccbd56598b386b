"""Images: the Ubuntu machine images that Canonical publishes in every region, and the SSM parameters with their ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models.amis import Ami
from moto.ssm.models import Parameter

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction, corrects

CANONICAL = "099720109477"


UBUNTU_ROOT_GIB = 8
"""The root disk of Canonical's images, in GiB."""


@dataclass(frozen=True)
class Release:
    """One image of Canonical's: an Ubuntu version for an architecture, built on a day."""

    version: str
    codename: str
    volume: str
    architecture: str
    serial: str

    @property
    def name(self) -> str:
        """The name that Canonical gives it."""
        folder = {"gp2": "hvm-ssd", "gp3": "hvm-ssd-gp3"}[self.volume]
        return f"ubuntu/images/{folder}/ubuntu-{self.codename}-{self.version}-{self.architecture}-server-{self.serial}"

    def image_id(self, region: str) -> str:
        """The same id in every run; another in every region, as on AWS."""
        return "ami-" + hashlib.sha256(f"{region} {self.name}".encode()).hexdigest()[:17]

    @property
    def created(self) -> datetime:
        """The day that its serial names."""
        return datetime.strptime(self.serial[:8], "%Y%m%d").replace(hour=4, tzinfo=UTC)


# The newest is the last of each; the most used version also has an older one.
RELEASES = (
    Release("22.04", "jammy", "gp2", "amd64", "20250305"),
    Release("22.04", "jammy", "gp2", "amd64", "20250712"),
    Release("22.04", "jammy", "gp2", "arm64", "20250712"),
    Release("24.04", "noble", "gp3", "amd64", "20250305"),
    Release("24.04", "noble", "gp3", "amd64", "20250704"),
    Release("24.04", "noble", "gp3", "arm64", "20250704"),
)


@corrects(
    "moto.ec2.models.amis:AmiBackend",
    "_load_amis",
    says="Canonical's account 099720109477 publishes Ubuntu images in every region.",
    link="https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/",
)
def ubuntu_images(cloud: Cloud, original: Callable[[], None], backend: Any) -> None:
    for release in RELEASES:
        image_id = release.image_id(backend.region_name)
        image = Ami(
            backend,
            image_id,
            name=release.name,
            description=f"Canonical, Ubuntu, {release.version}, {release.architecture} {release.codename} image",
            owner_id=CANONICAL,
            public=True,
            virtualization_type="hvm",
            architecture={"amd64": "x86_64", "arm64": "arm64"}[release.architecture],
            creation_date=release.created,
            image_location=f"amazon/{release.name}",
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name="/dev/sda1",
            region_name=f"{backend.region_name}a",
            boot_mode="uefi-preferred" if release.architecture == "amd64" else "uefi",
        )
        image.ena_support = True
        backend.amis[image_id] = image
    # moto creates a volume and a snapshot in our account for each image; in AWS they belong to Canonical.
    backend.volumes.clear()
    backend.snapshots.clear()


@corrects(
    "moto.ssm.models:ParameterDict",
    "_check_loading_status",
    says="Canonical publishes the current image of each Ubuntu version as parameters under /aws/service/canonical.",
    link="https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/",
)
def image_parameters(cloud: Cloud, original: Callable[[str], None], parameters: Any, key: str) -> None:
    original(key)
    if not str(key or "").startswith("/aws/service/canonical/"):
        return
    for release in RELEASES:
        name = (
            f"/aws/service/canonical/ubuntu/server/{release.version}/stable/current/{release.architecture}"
            f"/hvm/ebs-{release.volume}/ami-id"
        )
        parameters.setdefault(name, [])[:] = [
            Parameter(
                account_id=parameters.account_id,
                name=name,
                value=release.image_id(parameters.region_name),
                parameter_type="String",
                description=None,
                allowed_pattern=None,
                keyid=None,
                last_modified_date=release.created,
                version=1,
                data_type="aws:ec2:image",
            )
        ]


def _on(cloud: Cloud, original: Any) -> bool:
    return True


checks_are_made = Correction(
    owner="moto.settings",
    attributes=("ENABLE_AMI_VALIDATION", "EC2_ENABLE_INSTANCE_TYPE_VALIDATION"),
    says="RunInstances refuses an image or an instance type that does not exist.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
    replace=_on,
)


def _with_own_size(cloud: Cloud, original: Any) -> Any:
    def block_device_mappings(image: Any) -> list[dict[str, Any]]:
        root, *others = original.fget(image)
        size = getattr(image, "root_gib", UBUNTU_ROOT_GIB)
        return [{**root, "Ebs": {**root["Ebs"], "VolumeSize": size}}, *others]

    return property(block_device_mappings)


image_sizes = Correction(
    owner="moto.ec2.models.amis:Ami",
    attributes=("block_device_mappings",),
    says="DescribeImages returns the size of the root disk of each image; moto returns 15 GiB for all of them.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html",
    replace=_with_own_size,
)

CORRECTIONS = (ubuntu_images, image_parameters, checks_are_made, image_sizes)
