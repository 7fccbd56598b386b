"""OfflineSession: a boto3 session whose clients talk to the offline world."""

from __future__ import annotations

import copy
import functools
import os
import threading
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.endpoint import Endpoint
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_FIRST, REGISTER_LAST
from botocore.hooks import BaseEventHooks, HierarchicalEmitter, first_non_none_response
from botocore.loaders import Loader
from botocore.model import ServiceModel

from dify_aws.clock import Clock
from dify_aws.offline.connectivity import OfflineConnectivity
from dify_aws.offline.transport import Transport

NOTHING_OF_THIS_MACHINE: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
DUMMY: Final = "testing"


class _Patterns:
    """Clients without a wire, to be copied: making one takes botocore 20 ms, a copy 1 ms, and tests need thousands."""

    def __init__(self) -> None:
        # Reading EC2's model takes 0.2 s.
        self._models: Loader = botocore.session.Session().get_component("data_loader")
        self._handlers: dict[str, HierarchicalEmitter] = {}
        self._made: dict[object, Any] = {}
        self._making = threading.RLock()

    def core(self, service: str) -> botocore.session.Session:
        """A session of botocore for clients of one service, that reads nothing of this machine's AWS configuration."""
        with self._making:
            if service not in self._handlers:
                self._handlers[service] = _handlers(service, self._models)
            events = copy.copy(self._handlers[service])
        core = botocore.session.Session(
            event_hooks=events, include_builtin_handlers=False, session_vars=NOTHING_OF_THIS_MACHINE
        )
        core.register_component("data_loader", self._models)
        return core

    def copy(self, key: object, service: str, region: str | None, **options: Any) -> Any:
        """A client of its own, with events of its own."""
        with self._making:
            if key not in self._made:
                keys: dict[str, Any] = {"aws_access_key_id": DUMMY, "aws_secret_access_key": DUMMY}
                self._made[key] = self.core(service).create_client(service, region, **keys, **options)
        # Not copy.copy: botocore's clients answer its question for __setstate__ with a question of their own.
        pattern = self._made[key]
        client: Any = object.__new__(type(pattern))
        vars(client).update(vars(pattern))
        client.meta = copy.copy(client.meta)
        client.meta.events = copy.copy(client.meta.events)
        # What an event is called today depends on nothing but its name, and takes botocore 0.1 ms to find out.
        client.meta.events._alias_name_cache = pattern.meta.events._alias_name_cache
        for part in ("_endpoint", "_request_signer", "_ruleset_resolver"):
            own = copy.copy(getattr(client, part))
            own._event_emitter = client.meta.events
            setattr(client, part, own)
        return client


def _handlers(service: str, models: Loader) -> HierarchicalEmitter:
    """botocore's own handlers, but for those of other services: each client has a copy, and few are of use to it."""
    model = ServiceModel(models.load_service_model(service, "service-2"), service)
    ours = {service, model.service_id.hyphenize(), "*"}
    events = HierarchicalEmitter()
    session = botocore.session.Session(event_hooks=events, include_builtin_handlers=False)
    registers = {REGISTER_FIRST: events.register_first, REGISTER_LAST: events.register_last}
    for event, handler, *place in BUILTIN_HANDLERS:
        if ours.issuperset(event.split(".")[1:2]):
            (registers[place[0]] if place else session.register)(event, handler)
    return events


@functools.cache
def _patterns() -> _Patterns:
    return _Patterns()


class OfflineSession(boto3.Session):
    """Has dummy credentials, reads nothing of the machine's own AWS configuration, and makes each client once.

    `clock` is the world's clock: who waits for AWS waits on it. `reach` is the way to the world's machines.
    """

    def __init__(self, wire: Transport, clock: Clock, connectivity: OfflineConnectivity, region: str) -> None:
        self.clock = clock
        self.connectivity = connectivity
        self._wire = wire
        self._clients: dict[object, BaseClient] = {}
        self._making = threading.RLock()
        # Only S3's clients are made by it: see client().
        core = _patterns().core("s3")
        wire.register(core.get_component("event_emitter"))
        super().__init__(DUMMY, DUMMY, region_name=region, botocore_session=core)

    # boto3's own overloads tell a type checker which client comes back; what is different here is not its business.
    if not TYPE_CHECKING:

        def client(self, service_name: str, region_name: str | None = None, **kwargs: Any) -> BaseClient:
            """A client, as of boto3.Session; the same one for the same service, region and configuration."""
            # AWS_ENDPOINT_URL in the environment is for those who want the real thing. Nobody reads the name, and
            # without a given one botocore puts it together anew for each call, character by character.
            ours = Config(ignore_configured_endpoint_urls=True, user_agent="dify_aws.offline")
            config = ours.merge(kwargs.pop("config", None) or Config())
            region = region_name or self.region_name
            key = (service_name, region, repr(sorted(vars(config).items(), key=repr)), repr(kwargs))
            with self._making:
                if key not in self._clients:
                    if service_name == "s3":
                        # What follows redirects to other regions holds the client that it was made with.
                        client = super().client(service_name, region_name=region, config=config, **kwargs)
                    else:
                        client = _patterns().copy(key, service_name, region, config=config, **kwargs)
                        self._wire.register(client.meta.events)
                    client._endpoint.__class__ = _RetryingEndpoint
                    client._endpoint.clock = self.clock
                    self._clients[key] = client
                return self._clients[key]


class _RetryingEndpoint(Endpoint):
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
