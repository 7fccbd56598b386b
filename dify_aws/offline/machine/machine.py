"""Machine: an EC2 instance of the offline world as the installer finds it, composed of its areas."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dify_aws.clock import Clock
from dify_aws.offline.machine.agent import Publisher
from dify_aws.offline.machine.certificates import Authority
from dify_aws.offline.machine.dify import Dify
from dify_aws.offline.machine.disks import Disks
from dify_aws.offline.machine.engine import Engine
from dify_aws.offline.machine.files import Files
from dify_aws.offline.machine.host_usage import Strain
from dify_aws.offline.machine.kernel import Kernel
from dify_aws.offline.machine.packages import Packages
from dify_aws.offline.machine.system import System
from dify_aws.offline.machine.units import Units


@dataclass
class Machine:
    """A fresh Ubuntu machine. Its clock is the world's; ``time_of_day`` is what a clock on the wall would show."""

    name: str
    clock: Clock
    memory_mib: int = 3904
    files: Files = field(default_factory=Files)
    system: System = field(default_factory=System)
    disks: Disks = field(default_factory=Disks)
    kernel: Kernel = field(default_factory=Kernel)
    packages: Packages = field(default_factory=Packages)
    units: Units = field(default_factory=Units)
    authority: Authority = field(default_factory=Authority)
    engine: Engine = field(default_factory=Engine)
    dify: Dify = field(default_factory=Dify)
    publisher: Publisher = field(default_factory=Publisher)
    strain: Strain = field(default_factory=Strain)
    time_of_day: Callable[[], float] = time.time
