"""Transport: replaces the network. It records each request, injects faults, and passes the request to moto."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.hooks import BaseEventHooks
from botocore.model import OperationModel
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

from dify_aws.offline.calls import Call, Ledger
from dify_aws.offline.faults import Faults
from dify_aws.offline.refusal import refusal


class Transport:
    """The connection of one process to AWS. It is registered in a botocore session before its clients are created.

    Args:
        ledger: records the calls.
        faults: the faults to inject.
    """

    def __init__(self, ledger: Ledger, faults: Faults) -> None:
        self.faults = faults
        self._ledger = ledger
        self._moto = BotocoreStubber()
        self._thread = threading.local()
        self._open = True

    def register(self, events: BaseEventHooks) -> None:
        """Handle the events of a botocore session.

        Args:
            events: of the session, or of one client.
        """
        # Last, because botocore adds a ClientToken at the same event.
        events.register_last("before-parameter-build", self._prepare)
        events.register_first("before-send", self._send)

    def cut(self) -> None:
        """Refuse all further requests: the world is closed, and no client may reach the real AWS."""
        self._open = False

    def _prepare(self, params: Mapping[str, Any], model: OperationModel, **_: object) -> None:
        self.faults.raise_if_killed()
        vars(self._thread)[model.name] = model, copy.copy(params)

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: object) -> Any:
        if not self._open:
            raise RuntimeError("This session belongs to an offline world that is closed.")
        self.faults.raise_if_killed()
        # botocore passes only the name of the operation here; the rest was stored in the same thread, by name,
        # because S3 queries the region of a bucket between two attempts of one call.
        model, params = vars(self._thread)[event_name.rpartition(".")[2]]
        call = Call(model.service_model.service_name, model.name, params)
        injected = {fault.when: fault for fault in self.faults.matching(call)}

        if "kill_before" in injected:
            self._kill(f"killed before {call}")
        self._ledger.note(call)
        if fault := injected.get("refuse"):
            return refusal(request, model, code=fault.code, message=fault.message, status=fault.status)
        answer = self._send_to_moto(request)
        if self.faults.answered(call, refused=answer.status_code >= 400):
            self._kill(f"killed after {call}")
        self.faults.raise_if_killed()
        if "lose_answer" in injected:
            raise ConnectionClosedError(endpoint_url=request.url)
        if fault := injected.get("server_error"):
            return refusal(request, model, code=fault.code, message=fault.message, status=fault.status)
        return answer

    def _kill(self, why: str) -> None:
        self.faults.kill(why)
        self.faults.raise_if_killed()

    def _send_to_moto(self, request: AWSPreparedRequest) -> AWSResponse:
        answer = self._moto.process_request(request)
        if answer is None:
            raise RuntimeError(f"moto has no service at {request.url}")
        status, headers, body = answer
        return AWSResponse(request.url, status, headers, MockRawResponse(body))
