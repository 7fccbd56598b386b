"""Machine: an EC2 instance of the offline world as the installer finds it, composed of its areas."""

from __future__ import annotations

from dataclasses import dataclass, field

from dify_aws.clock import Clock
from dify_aws.offline.machine.files import Files


@dataclass
class Machine:
    """A fresh Ubuntu machine. Its clock is the world's."""

    name: str
    clock: Clock
    memory_mib: int = 3904
    files: Files = field(default_factory=Files)
