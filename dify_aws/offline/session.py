"""OfflineSession: a boto3 session whose clients use the offline world."""

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
    """Clients without a transport, as templates: creating one takes 20 ms, copying it 1 ms; tests need thousands."""

    def __init__(self) -> None:
        # Reading EC2's model takes 0.2 s.
        self._models: Loader = botocore.session.Session().get_component("data_loader")
        self._handlers: dict[str, HierarchicalEmitter] = {}
        self._made: dict[object, Any] = {}
        self._making = threading.RLock()

    def core(self, service: str) -> botocore.session.Session:
        """A botocore session for clients of one service, without the AWS configuration of this computer."""
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
        """A new client with its own events."""
        with self._making:
            if key not in self._made:
                keys: dict[str, Any] = {"aws_access_key_id": DUMMY, "aws_secret_access_key": DUMMY}
                self._made[key] = self.core(service).create_client(service, region, **keys, **options)
        # Not copy.copy: it looks for __setstate__, and botocore's clients resolve unknown attributes with an event.
        pattern = self._made[key]
        client: Any = object.__new__(type(pattern))
        vars(client).update(vars(pattern))
        client.meta = copy.copy(client.meta)
        client.meta.events = copy.copy(client.meta.events)
        # The alias of an event depends only on its name, and takes botocore 0.1 ms to find.
        client.meta.events._alias_name_cache = pattern.meta.events._alias_name_cache
        for part in ("_endpoint", "_request_signer", "_ruleset_resolver"):
            own = copy.copy(getattr(client, part))
            own._event_emitter = client.meta.events
            setattr(client, part, own)
        return client


def _handlers(service: str, models: Loader) -> HierarchicalEmitter:
    """botocore's handlers without those of other services, because each client copies them."""
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
    """A session with dummy credentials, without the AWS configuration of this computer. It creates each client once.

    Args:
        wire: the transport to moto.
        clock: the clock of the world, which all waits use.
        connectivity: the network of the world, with its machines.
        region: the region.
    """

    def __init__(self, wire: Transport, clock: Clock, connectivity: OfflineConnectivity, region: str) -> None:
        self.clock = clock
        self.connectivity = connectivity
        self._wire = wire
        self._clients: dict[object, BaseClient] = {}
        self._making = threading.RLock()
        # It creates only the clients of S3: see client().
        core = _patterns().core("s3")
        wire.register(core.get_component("event_emitter"))
        super().__init__(DUMMY, DUMMY, region_name=region, botocore_session=core)

    # Type checkers use boto3's own overloads, which return the type of the client.
    if not TYPE_CHECKING:

        def client(self, service_name: str, region_name: str | None = None, **kwargs: Any) -> BaseClient:
            """See boto3.Session.client; the same service, region and configuration return the same client."""
            # AWS_ENDPOINT_URL is ignored here. The user agent is not used, but without it botocore would build
            # one for each call.
            ours = Config(ignore_configured_endpoint_urls=True, user_agent="dify_aws.offline")
            config = ours.merge(kwargs.pop("config", None) or Config())
            region = region_name or self.region_name
            key = (service_name, region, repr(sorted(vars(config).items(), key=repr)), repr(kwargs))
            with self._making:
                if key not in self._clients:
                    if service_name == "s3":
                        # The handler that follows redirects to other regions refers to the original client.
                        client = super().client(service_name, region_name=region, config=config, **kwargs)
                    else:
                        client = _patterns().copy(key, service_name, region, config=config, **kwargs)
                        self._wire.register(client.meta.events)
                    client._endpoint.__class__ = _RetryingEndpoint
                    client._endpoint.clock = self.clock
                    self._clients[key] = client
                return self._clients[key]


class _RetryingEndpoint(Endpoint):
    """botocore's endpoint, with the clock of the world for the pause before a retry."""

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
