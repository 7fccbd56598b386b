"""BlockDevice: an EBS volume as the machine sees it: its device, what is on it, and where it is mounted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.script import script

MARKS: Final = "/var/lib/dify-aws"
"""Where a file says that a volume is being formatted."""

# On Nitro, the serial number of an EBS volume is its id without the dash, and udev makes a link of it:
# https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html
# A type that is built on Xen (t2, m4) has no such numbers, not even of its root disk. There Linux calls a disk by the
# letter of the device that it is attached as: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html
FIND: Final = """\
find_disk() {
    local by_id=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_
    readlink -e -- "$by_id${1//-/}" && return
    ! ls -d "$by_id"vol* >/dev/null 2>&1 && [ -b "$2" ] && readlink -e -- "$2"
}
"""
"""A function of bash that tells the device of a volume, by its id and its name on Xen ("": nothing is taken for it)."""

# 60 ms; the probes read some KiB of the device, and the last one 1 MiB, only of a disk with no signature.
READ_SCRIPT: Final = (
    FIND
    + """\
by_id=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_
findmnt --noheadings --raw --output SOURCE,FSTYPE --mountpoint "$2" | sed 's/^/at=/'
if findmnt --mountpoint "$2" >/dev/null; then
    printf 'free=%s\\n' "$(df --block-size=1 --output=avail -- "$2" | tail -n 1)"
else
    ls -A -- "$2" 2>/dev/null | head -n 3 | sed 's/^/inside=/'
fi
if ! disk=$(find_disk "$1" "$4"); then
    ls -d "$by_id"vol* 2>/dev/null | sed -n 's/.*_vol\\([0-9a-f]*\\)$/there=vol-\\1/p'
    exit 0
fi
printf 'device=%s\\nsize=%s\\n' "$disk" "$(blockdev --getsize64 "$disk")"
lsblk --noheadings --raw --output NAME,TYPE -- "$disk" | tail -n +2 | sed 's/^/part=/'
findmnt --noheadings --raw --output TARGET --source "$disk" | sed 's/^/mounted=/'
if grep -q "^$disk[[:space:]]" /proc/swaps; then echo part=swap; fi
if [ -e "$3/formatting-$1" ]; then echo begun=yes; fi
signatures=$(wipefs --noheadings --output TYPE -- "$disk")
printf '%s\\n' "$signatures" | sed -n 's/^./signature=&/p'
if [ -z "$signatures" ]; then
    if ! cmp --quiet --bytes=1048576 "$disk" /dev/zero; then echo filled=yes; fi
elif [ "$signatures" = ext4 ]; then
    printf 'uuid=%s\\n' "$(blkid --probe --match-tag UUID --output value "$disk")"
    dumpe2fs -h "$disk" 2>/dev/null | sed -n 's/^Block count: */blocks=/p;s/^Block size: */block=/p'
fi
"""
)


@dataclass(frozen=True)
class BlockDeviceState:
    """What is known of it. ``device`` is empty if there is none; then ``there`` has the volumes that there are.

    Args:
        size: bytes of the device; ``file_system`` those of the file system on it.
        signatures: of file systems, partition tables, volume managers, …
        filled: there is no signature, but its beginning is not empty.
        begun: a formatting has begun here and has not ended.
        parts: partitions, and whoever else has taken it.
        mounted: where it is mounted.
        at: what is mounted at the path that was asked for, as (device, type).
        inside: some of what lies at the path, if nothing is mounted there.
        free: bytes that are left at the path, if something is mounted there.
    """

    device: str = ""
    size: int = 0
    signatures: tuple[str, ...] = ()
    uuid: str = ""
    file_system: int = 0
    filled: bool = False
    begun: bool = False
    parts: tuple[str, ...] = ()
    mounted: tuple[str, ...] = ()
    at: tuple[str, str] | None = None
    inside: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    free: int | None = None


@dataclass(frozen=True)
class BlockDevice(Fact[BlockDeviceState]):
    """What is on this EBS volume, and what is at this path? ``device`` is what it is attached as in AWS, for Xen."""

    volume_id: str
    path: str
    device: str = ""

    @property
    def name(self) -> str:
        return f"volume {self.volume_id}"

    @property
    def script(self) -> str:
        return script(READ_SCRIPT, self.volume_id, self.path, MARKS, xen_name(self.device))

    def read(self, answer: Answer) -> BlockDeviceState:
        fields: dict[str, list[str]] = {}
        for line in answer.text.splitlines():
            key, equals, value = line.partition("=")
            if not equals:
                raise ValueError(line)
            fields.setdefault(key, []).append(value.strip())

        def one(key: str) -> str:
            return fields.get(key, [""])[-1]

        at = one("at").split()
        return BlockDeviceState(
            device=one("device"),
            size=int(one("size") or 0),
            signatures=tuple(fields.get("signature", ())),
            uuid=one("uuid"),
            file_system=int(one("blocks") or 0) * int(one("block") or 0),
            filled="filled" in fields,
            begun="begun" in fields,
            parts=tuple(fields.get("part", ())),
            mounted=tuple(fields.get("mounted", ())),
            at=(at[0], at[1]) if at else None,
            inside=tuple(fields.get("inside", ())),
            there=tuple(fields.get("there", ())),
            free=int(one("free")) if "free" in fields else None,
        )


def xen_name(device: str) -> str:
    """What Linux on Xen calls a disk that is attached in AWS as ``device``; "" for a name that it cannot have.

    >>> xen_name("/dev/sdf"), xen_name("/dev/xvdf"), xen_name("")
    ('/dev/xvdf', '/dev/xvdf', '')
    """
    found = re.fullmatch(r"/dev/(?:sd|xvd)([b-z]|b[a-z]|c[a-z])", device)
    return f"/dev/xvd{found[1]}" if found else ""
