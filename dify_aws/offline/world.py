"""World: the AWS that `dify_aws.offline()` opens, with everything that a test or a rehearsal controls."""

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
    """AWS in this process. Its resources exist until the world is closed, also after `restart()`."""

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
        """Another session of the same process.

        Args:
            region: its region.
        """
        return OfflineSession(self._wire, self.clock, self.connectivity, region)

    def restart(self) -> None:
        """Kill the process and start a new one: new `session`, new clients, no faults. The state of AWS stays."""
        self.faults.kill("this process was ended by world.restart()")
        self._start_process()

    @property
    def quotas(self) -> dict[str, int]:
        """Quotas per region (for `nat-gateway`: per zone), by kind. To set one: `world.quotas["vpc"] = 1`."""
        return self._cloud.quotas

    @property
    def lags(self) -> dict[str, float]:
        """For how many seconds EC2 does not show a new resource, by kind. To set one: `world.lags["volume"] = 5`.

        During this time, lists do not contain the resource, and calls with its id fail with NotFound.
        """
        return self._cloud.lags

    @property
    def no_capacity(self) -> set[tuple[str, str]]:
        """Zones and types without capacity: `world.no_capacity.add(("ap-northeast-1a", "t3.medium"))`."""
        return self._cloud.no_capacity

    @property
    def default_key_unusable(self) -> bool:
        """Whether the KMS key of new volumes is unusable: volumes disappear, and instances terminate. It can be set."""
        return self._cloud.default_key_unusable

    @default_key_unusable.setter
    def default_key_unusable(self, unusable: bool) -> None:
        self._cloud.default_key_unusable = unusable

    def add_organization_trail(self, arn: str) -> None:
        """Add a trail of the management account that records all calls of the organization.

        Args:
            arn: the ARN of the trail.
        """
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
        """All calls that were sent, in order."""
        return self._ledger.calls()

    @property
    def writes(self) -> list[Call]:
        """The calls that change something."""
        return [call for call in self._ledger.calls() if call.writes]

    def forget_calls(self) -> None:
        """Clear the list of calls."""
        self._ledger.forget()

    @property
    def consoles(self) -> dict[str, str]:
        """Console output by instance id, if it differs from the default. It can be set."""
        return self._cloud.remember("consoles")

    def confirm_subscription(self, address: str) -> None:
        """Open the confirmation link in the mail from SNS.

        Args:
            address: the mail address of the subscription.

        Raises:
            LookupError: no mail was sent to this address.
        """
        if not confirm(address):
            raise LookupError(f"No subscription waits for {address} to confirm it.")

    def close(self) -> None:
        """Close the transport: the sessions of this world stop working."""
        self._wire.cut()


@contextmanager
def open_world(region: str, speed: float) -> Iterator[World]:
    """Open a world: an empty moto with all corrections. At the end, everything is removed.

    Args:
        region: the region of its session.
        speed: seconds of its clock per real second.

    Raises:
        RuntimeError: a world is open already.
    """
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
    """Delete all state of moto. Its own reset also recreates every backend, which is 50 times slower."""
    with backend_lock:
        for backends in _backends(len(sys.modules)):
            for _, _, backend in backends.iter_backends():
                # A backend with its own reset has state outside of itself, such as the open files of S3.
                if type(backend).reset is not BaseBackend.reset:
                    backend.reset()
            backends.clear()
        BackendDict._instances.clear()
    # These lists contain all model objects that moto has created.
    reset_model_data()


@lru_cache(maxsize=1)
def _backends(loaded: int) -> tuple[Any, ...]:
    """The backends of all services of moto.

    moto's own list of used backends is sometimes incomplete: two services that are used for the first time at the same
    moment are both empty, and moto treats empty ones as equal. The next world would find the state of such a backend.

    Args:
        loaded: the number of loaded modules, as the key of the cache.
    """
    found = {
        id(value): value
        for name, module in list(sys.modules.items())
        if name.startswith("moto.")
        for value in vars(module).values()
        if isinstance(value, BackendDict)
    }
    return tuple(found.values())
