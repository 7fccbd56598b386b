"""Root disk: the volume that an instance boots from, known by its id: one that was replaced carries no tags of ours."""

from __future__ import annotations

from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.errors import AwsError
from dify_aws.resources.ec2.ec2_resource import ours
from dify_aws.resources.ec2.volume import modify

GROW_SECONDS: Final = 60.0
"""How long a root disk may take to show its new size."""


def root_disk_size(aws: Aws, volume_id: str) -> int | None:
    """Its size in GiB; None if AWS does not tell the volume (yet).

    The tagged volumes have been read anyway. One that is not among them is asked for by its id: it may be younger than
    that list, or have no tags.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/replace-root.html
    """
    if not volume_id:
        return None
    listed = _size(ours(aws, "volumes", "ec2.DescribeVolumes", "Volumes"), volume_id)
    return listed if listed is not None else _size(_by_id(aws, volume_id), volume_id)


def grow_root_disk(aws: Aws, volume_id: str, size_gib: int) -> None:
    """Make it larger, and wait until AWS shows the new size."""
    modify(aws, volume_id, {"Size": size_gib})

    def grown() -> bool | None:
        aws.read_cache.forget("volumes")
        return root_disk_size(aws, volume_id) == size_gib or None

    aws.retries.until(grown, GROW_SECONDS)


def _by_id(aws: Aws, volume_id: str) -> list[dict[str, Any]]:
    def ask() -> list[dict[str, Any]]:
        try:
            return aws.pages("ec2.DescribeVolumes", "Volumes", VolumeIds=[volume_id])
        except AwsError as error:
            if error.code != "InvalidVolume.NotFound":
                raise
            return []

    return aws.read_cache.read("volumes", ask, volume_id)


def _size(volumes: list[dict[str, Any]], volume_id: str) -> int | None:
    return next((int(volume["Size"]) for volume in volumes if volume["VolumeId"] == volume_id), None)
