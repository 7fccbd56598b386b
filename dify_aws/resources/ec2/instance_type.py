"""InstanceType: what AWS says about the type of a machine, compared with what the machine is wished to be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.change import Change
from dify_aws.engine.fact import Fact
from dify_aws.engine.resource import Actual
from dify_aws.errors import AwsError, ChangeRefused
from dify_aws.instance_types import architecture, with_memory
from dify_aws.resources.ec2.instance import Instance

SHOWN_TO_LINUX: Final = 0.95
"""The part of its memory that a machine shows, and a little less: the firmware and the kernel keep the rest."""

TABLE: Final = "instance-types"
ARCHITECTURES: Final = {"amd64": "x86_64", "arm64": "arm64"}
"""What EC2 calls an architecture, by Debian's name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InstanceType(Fact):
    """An instance type, and whether the machine fits it: its image, its root disk, and the memory that it needs.

    A plan refuses what does not fit, all of it at once; without it, AWS or the installer would refuse it half way.

    Args:
        instance_type: such as "t3.medium".
        memory_mib: MiB of memory that Linux has to show.
        image: the AMI that a new machine is made from; None for one that is published for the type's architecture.
        root_volume_gib: size of the root disk, which holds the image.
        ask_less: tells what else would make the machine large enough, such as "set concurrency to 90 or less", from
            the MiB of memory that Linux shows.
        instance: the address of the machine ("instance/host"): once it is there, its own image counts.
    """

    instance_type: str
    memory_mib: int
    image: str | None = None
    root_volume_gib: int = 30
    ask_less: Callable[[int], str] | None = None
    instance: str = "instance/host"

    kind = "instance-type"
    free = True
    tables = (TABLE, "instances", "images")
    permissions = frozenset({"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeInstances"})

    def find(self, aws: Aws) -> Actual | None:
        return Actual(address=self.address, id=self.instance_type, facts={"wrong": tuple(self._wrong(aws))})

    def check(self, actual: Actual, changes: Mapping[str, Change]) -> None:
        if actual["wrong"]:
            raise ChangeRefused(self.address, f"{self.instance_type} cannot be used: " + " ".join(actual["wrong"]))

    def _wrong(self, aws: Aws) -> Iterator[str]:
        described = aws.read_cache.read(TABLE, lambda: self._described(aws), self.instance_type)
        if described is None:
            yield f"AWS does not offer it in {aws.region}. Choose another instance_type, or another region."
            return
        shown = int(described["MemoryInfo"]["SizeInMiB"] * SHOWN_TO_LINUX)
        if shown < self.memory_mib:
            yield (
                f"it has {described['MemoryInfo']['SizeInMiB']} MiB of memory, of which Linux shows about {shown}, and "
                f"{self.memory_mib} are needed. {self._remedy(shown)}"
            )
        instance = next((each for each in Instance.owned(aws) if each.address == self.instance), None)
        if instance is not None:
            if instance["instance_type"] != self.instance_type:
                yield from _unlike(described, instance["boots"], f"the image of {instance.id}", changeable=False)
        elif self.image is not None:
            yield from self._image(aws, described, self.image)
        elif ARCHITECTURES[architecture(self.instance_type)] not in _architectures(described):
            yield f"no image of Ubuntu is published for its architecture, {', '.join(_architectures(described))}."

    def _remedy(self, shown_mib: int) -> str:
        gib = ceil(self.memory_mib / SHOWN_TO_LINUX / 1024)
        larger = with_memory(self.instance_type, gib)
        such = f", such as {larger}" if larger else ""
        less = self.ask_less(shown_mib) if self.ask_less else "ask for less (profile, limits)"
        return f"Choose an instance_type with {gib} GiB of memory or more{such}, or {less}."

    def _described(self, aws: Aws) -> dict[str, Any] | None:
        try:
            found = aws.pages("ec2.DescribeInstanceTypes", "InstanceTypes", InstanceTypes=[self.instance_type])
        except AwsError as error:
            if error.code != "InvalidInstanceType":
                raise
            return None
        return found[0] if found else None

    def _image(self, aws: Aws, described: Mapping[str, Any], image: str) -> Iterator[str]:
        """What is wrong with an image that was named, for this type and for us."""
        try:
            found = aws.read_cache.read(
                "images", lambda: aws.pages("ec2.DescribeImages", "Images", ImageIds=[image]), image
            )
        except AwsError as error:
            if not error.code.startswith("InvalidAMIID."):
                raise
            found = []
        if not found:
            yield f"there is no image {image} in {aws.region} that this account may use (image_id)."
            return
        image_facts = found[0]
        if image_facts.get("State", "available") != "available":
            yield f"the image {image} is {image_facts['State']}: choose one that is available (image_id)."
        if image_facts.get("RootDeviceType", "ebs") != "ebs":
            yield f"the root disk of the image {image} is no EBS volume, and would not last (image_id)."
        if (size := _root_gib(image_facts)) > self.root_volume_gib:
            yield f"the image {image} holds {size} GiB: set root_volume_gib to that or more."
        yield from _unlike(described, image_facts, f"the image {image}", changeable=True)


def _unlike(described: Mapping[str, Any], image: Mapping[str, Any], name: str, *, changeable: bool) -> Iterator[str]:
    """Where a type and an image do not go together.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resize-limitations.html
    """
    remedy = "Choose another image_id or instance_type." if changeable else "Choose another instance_type."
    own, supported = str(image.get("Architecture")), _architectures(described)
    if own not in supported:
        keeps = "" if changeable else " A machine keeps its architecture; another one is another environment."
        yield f"{name} is for {own}, and the type is {', '.join(supported)}. {remedy}{keeps}"
    kinds = described.get("SupportedVirtualizationTypes", ())
    if kinds and image.get("VirtualizationType") not in kinds:
        met = image.get("VirtualizationType")
        yield f"{name} is virtualized as {met}, and the type as {', '.join(kinds)}. {remedy}"
    modes = described.get("SupportedBootModes", ())
    # Most images name no mode, and boot in the way of the type; "uefi-preferred" boots either way.
    if modes and image.get("BootMode") not in (None, "", "uefi-preferred", *modes):
        yield f"{name} boots by {image.get('BootMode')}, and the type by {', '.join(modes)}. {remedy}"
    if described.get("NetworkInfo", {}).get("EnaSupport") == "required" and image.get("EnaSupport") is False:
        yield f"{name} has no driver for the network of the type (ENA). {remedy}"


def _architectures(described: Mapping[str, Any]) -> Collection[str]:
    found: Collection[str] = described.get("ProcessorInfo", {}).get("SupportedArchitectures", ())
    return found


def _root_gib(image: Mapping[str, Any]) -> int:
    return max(
        (
            int(each.get("Ebs", {}).get("VolumeSize", 0))
            for each in image.get("BlockDeviceMappings", ())
            if each.get("DeviceName") == image.get("RootDeviceName")
        ),
        default=0,
    )
