"""World: the AWS that `dify_aws.offline()` opens, with the handles that a test or a rehearsal needs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend, backend_lock
from moto.core.model_instances import reset_model_data

from dify_aws.offline.calls import Call, Ledger
from dify_aws.offline.clock import VirtualClock
from dify_aws.offline.cloud import Cloud
from dify_aws.offline.connectivity import OfflineConnectivity
from dify_aws.offline.correction import install
from dify_aws.offline.corrections import ALL
from dify_aws.offline.corrections.monitoring import confirm
from dify_aws.offline.faults import Faults
from dify_aws.offline.session import OfflineSession
from dify_aws.offline.transport import Transport

# moto keeps its state in the process, so there can be one world in a process.
_ONE_WORLD = threading.Lock()


class World:
    """AWS in this process. What is made in it stays until the world closes, also over `restart()`."""

    def __init__(self, region: str, speed: float) -> None:
        self.clock = VirtualClock(speed)
        self._cloud = Cloud(self.clock)
        self._ledger = Ledger()
        self._region = region
        self.connectivity = OfflineConnectivity(self._cloud)
        self._start_process()

    def _start_process(self) -> None:
        self.faults = Faults()
        self._wire = Transport(self._ledger, self.faults)
        self.session = self.in_region(self._region)

    def in_region(self, region: str) -> OfflineSession:
        """Another session of the same process, in `region`."""
        return OfflineSession(self._wire, self.clock, self.connectivity, region)

    def restart(self) -> None:
        """End the process and start a new one: new `session`, new clients, no fault armed. AWS is as it was left."""
        self.faults.kill("this process was ended by world.restart()")
        self._start_process()

    @property
    def quotas(self) -> dict[str, int]:
        """How many of a thing a region (for `nat-gateway`: a zone) allows; to be set: `world.quotas["vpc"] = 1`."""
        return self._cloud.quotas

    @property
    def lags(self) -> dict[str, float]:
        """How many seconds EC2 does not show what was just made, by its kind; to be set: `world.lags["volume"] = 5`.

        Meanwhile lists leave it out, and calls that speak of its id are answered with NotFound.
        """
        return self._cloud.lags

    @property
    def no_capacity(self) -> set[tuple[str, str]]:
        """Where AWS has no capacity for a type: `world.no_capacity.add(("ap-northeast-1a", "t3.medium"))`."""
        return self._cloud.no_capacity

    @property
    def default_key_unusable(self) -> bool:
        """Whether the key that encrypts new volumes cannot be used: they vanish, and instances end; to be set."""
        return self._cloud.default_key_unusable

    @default_key_unusable.setter
    def default_key_unusable(self, unusable: bool) -> None:
        self._cloud.default_key_unusable = unusable

    def add_organization_trail(self, arn: str) -> None:
        """Let the organization of the account record all calls in a trail of its management account."""
        name = arn.rpartition("/")[2]
        self._cloud.remember("organization trails")[arn] = {
            "Name": name,
            "S3BucketName": f"{name}-of-the-organization",
            "IncludeGlobalServiceEvents": True,
            "IsMultiRegionTrail": True,
            "HomeRegion": arn.split(":")[3],
            "TrailARN": arn,
            "LogFileValidationEnabled": True,
            "HasCustomEventSelectors": False,
            "HasInsightSelectors": False,
            "IsOrganizationTrail": True,
        }

    @property
    def calls(self) -> list[Call]:
        """Every call that was sent, in order."""
        return self._ledger.calls()

    @property
    def writes(self) -> list[Call]:
        """Those of `calls` that change something."""
        return [call for call in self._ledger.calls() if call.writes]

    def forget_calls(self) -> None:
        """Begin the list of calls again."""
        self._ledger.forget()

    @property
    def consoles(self) -> dict[str, str]:
        """What an instance has told its console, by its id, where it is another text than usual; to be set."""
        return self._cloud.remember("consoles")

    def confirm_subscription(self, address: str) -> None:
        """Be the person at `address` who follows the link that SNS mailed. Raises LookupError if none was mailed."""
        if not confirm(address):
            raise LookupError(f"No subscription waits for {address} to confirm it.")

    def close(self) -> None:
        """Cut the wire: no session of this world answers any more."""
        self._wire.cut()


@contextmanager
def open_world(region: str, speed: float) -> Iterator[World]:
    """Open the world: moto empty, corrections in place. At the end all of it is taken away."""
    if not _ONE_WORLD.acquire(blocking=False):
        raise RuntimeError("An offline world is open in this process already; use it, or close it first.")
    try:
        forget_everything()
        world = World(region, speed)
        uninstall = install(ALL, world._cloud)
        try:
            yield world
        finally:
            world.close()
            uninstall()
            forget_everything()
    finally:
        _ONE_WORLD.release()


def forget_everything() -> None:
    """Empty moto. Its own reset builds every backend anew, default VPC and all, only to drop it: 50 times slower."""
    with backend_lock:
        for backends in _backends(len(sys.modules)):
            for _, _, backend in backends.iter_backends():
                # A reset of its own means that it keeps something outside itself, as S3 does with open files.
                if type(backend).reset is not BaseBackend.reset:
                    backend.reset()
            backends.clear()
        BackendDict._instances.clear()
    # Every model object that moto ever made is in these lists.
    reset_model_data()


@lru_cache(maxsize=1)
def _backends(loaded: int) -> tuple[Any, ...]:
    """The backends of every service of moto, as long as there are as many modules loaded.

    moto's own list of those in use lacks one now and then: two services that come into use at the same moment are both
    empty, and moto takes empty ones for the same. What is left in such a backend would be found by the next world.
    """
    found = {
        id(value): value
        for name, module in list(sys.modules.items())
        if name.startswith("moto.")
        for value in vars(module).values()
        if isinstance(value, BackendDict)
    }
    return tuple(found.values())
