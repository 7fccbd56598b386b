"""Instance types: what the name of an EC2 instance type says by itself, without asking AWS.

https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Architecture: TypeAlias = Literal["amd64", "arm64"]
"""A processor architecture by Debian's name, which Docker, Canonical and the CloudWatch agent use as well."""

# AWS marks Graviton by a g after the generation; the first was a1, and p6e-gb200 has NVIDIA's Grace.
_ARM64: Final = re.compile(r"a1|[a-z]+\d+[a-z-]*g")
_BURSTABLE: Final = re.compile(r"t\d[a-z]*\.")

_BASELINE_PERCENT: Final = {"medium": 20.0, "large": 30.0, "xlarge": 40.0, "2xlarge": 40.0}
_BASELINE_PERCENT_OF_T2: Final = {"medium": 20.0, "large": 30.0, "xlarge": 22.5, "2xlarge": 17.0}
"""Percent of each vCPU that a type earns credits for, by size.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html"""

_VCPUS: Final = {"medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8}


_GIB: Final = {"medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}
"""Memory of the burstable types, by size: the same in each of their families."""


def with_memory(instance_type: str, gib: int) -> str | None:
    """The smallest type of a burstable family with so much memory; None for other families, or if there is none.

    >>> with_memory("t3.medium", 6), with_memory("t3.medium", 64), with_memory("m7i.large", 6)
    ('t3.large', None, None)
    """
    family = instance_type.partition(".")[0]
    size = next((size for size, has in _GIB.items() if has >= gib), None)
    return f"{family}.{size}" if size and is_burstable(instance_type) else None


def architecture(instance_type: str) -> Architecture:
    """The architecture of a type's processor.

    >>> architecture("t4g.medium"), architecture("t3.medium"), architecture("g4dn.xlarge")
    ('arm64', 'amd64', 'amd64')
    """
    return "arm64" if _ARM64.match(instance_type) else "amd64"


def is_burstable(instance_type: str) -> bool:
    """Whether the type computes above a baseline on CPU credits: t2, t3, t3a, t4g."""
    return _BURSTABLE.match(instance_type) is not None


def surplus_vcpu_hours(instance_type: str, hours: int) -> float:
    """vCPU hours beyond what a burstable type earns, if all its processors are busy for ``hours``; 0 if not known.

    This is what "unlimited" can be billed for at the most.

    >>> surplus_vcpu_hours("t3.medium", 730)
    1168.0
    """
    family, _, size = instance_type.partition(".")
    baseline = _BASELINE_PERCENT_OF_T2 if family == "t2" else _BASELINE_PERCENT
    if not is_burstable(instance_type) or size not in baseline:
        return 0.0
    return hours * _VCPUS[size] * (100 - baseline[size]) / 100
