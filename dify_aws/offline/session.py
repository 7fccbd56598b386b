"""OfflineSession: a boto3 session whose clients talk to the offline world."""

from __future__ import annotations

import copy
import functools
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.endpoint import Endpoint
from botocore.hooks import BaseEventHooks, HierarchicalEmitter, first_non_none_response
from botocore.loaders import Loader

from dify_aws.offline.clock import Clock
from dify_aws.offline.wire import Wire


@dataclass(frozen=True)
class _Shared:
    """What every offline session begins with, and none changes."""

    models: Loader
    handlers: HierarchicalEmitter


@functools.cache
def _shared() -> _Shared:
    # Reading EC2's model takes 0.2 s, registering botocore's own handlers 5 ms, and tests open hundreds of worlds.
    handlers = HierarchicalEmitter()
    return _Shared(botocore.session.Session(event_hooks=handlers).get_component("data_loader"), handlers)


class OfflineSession(boto3.Session):
    """Has dummy credentials, reads nothing of the machine's own AWS configuration, and makes each client once.

    `clock` is the world's clock: who waits for AWS waits on it.
    """

    def __init__(self, wire: Wire, clock: Clock, region: str) -> None:
        self.clock = clock
        self._clients: dict[object, BaseClient] = {}
        self._making = threading.RLock()
        core = botocore.session.Session(
            event_hooks=copy.copy(_shared().handlers),
            include_builtin_handlers=False,
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            },
        )
        core.register_component("data_loader", _shared().models)
        wire.plug_into(core.get_component("event_emitter"))
        super().__init__("testing", "testing", region_name=region, botocore_session=core)

    # boto3's own overloads tell a type checker which client comes back; what is different here is not its business.
    if not TYPE_CHECKING:

        def client(self, service_name: str, region_name: str | None = None, **kwargs: Any) -> BaseClient:
            """A client, as of boto3.Session; the same one for the same service, region and configuration."""
            # AWS_ENDPOINT_URL in the environment is for those who want the real thing.
            config = Config(ignore_configured_endpoint_urls=True).merge(kwargs.pop("config", None) or Config())
            region = region_name or self.region_name
            key = (service_name, region, repr(sorted(vars(config).items(), key=repr)), repr(kwargs))
            with self._making:
                if key not in self._clients:
                    client = super().client(service_name, region_name=region, config=config, **kwargs)
                    client._endpoint.__class__ = _PatientEndpoint
                    client._endpoint.clock = self.clock
                    self._clients[key] = client
                return self._clients[key]


class _PatientEndpoint(Endpoint):
    """botocore's endpoint, but the pause before a retry is one of the world's clock: no test sleeps for real."""

    clock: Clock
    _event_emitter: BaseEventHooks

    def _needs_retry(
        self,
        attempts: int,
        operation_model: Any,
        request_dict: Any,
        response: Any = None,
        caught_exception: Any = None,
    ) -> bool:
        service_id = operation_model.service_model.service_id.hyphenize()
        pauses = self._event_emitter.emit(
            f"needs-retry.{service_id}.{operation_model.name}",
            response=response,
            endpoint=self,
            operation=operation_model,
            attempts=attempts,
            caught_exception=caught_exception,
            request_dict=request_dict,
        )
        pause = first_non_none_response(pauses)
        if pause is None or pause is False:
            return False
        self.clock.sleep(pause)
        return True
