"""Wire: stands where the network would be. It notes each request, lets faults happen, and hands it to moto."""

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
    """The end of one process's connection. It is plugged into a botocore session before any client is made from it."""

    def __init__(self, ledger: Ledger, faults: Faults) -> None:
        self.faults = faults
        self._ledger = ledger
        self._moto = BotocoreStubber()
        self._thread = threading.local()
        self._open = True

    def register(self, events: BaseEventHooks) -> None:
        """Listen to the events of a botocore session."""
        # Last: botocore fills in a ClientToken of its own at the same event.
        events.register_last("before-parameter-build", self._prepare)
        events.register_first("before-send", self._send)

    def cut(self) -> None:
        """From now on nothing passes: the world is closed, and a forgotten client must not find the real AWS."""
        self._open = False

    def _prepare(self, params: Mapping[str, Any], model: OperationModel, **_: object) -> None:
        self.faults.breathe()
        vars(self._thread)[model.name] = model, copy.copy(params)

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: object) -> Any:
        if not self._open:
            raise RuntimeError("This session belongs to an offline world that is closed.")
        self.faults.breathe()
        # botocore tells only the name of the operation here; the rest was put by in the same thread. By name, because
        # S3 asks for a bucket's region between two attempts of one call.
        model, params = vars(self._thread)[event_name.rpartition(".")[2]]
        call = Call(model.service_model.service_name, model.name, params)
        struck = {fault.when: fault for fault in self.faults.striking(call)}

        if "kill_before" in struck:
            self._kill(f"died before {call}")
        self._ledger.note(call)
        if fault := struck.get("refuse"):
            return refusal(request, model, code=fault.code, message=fault.message, status=fault.status)
        answer = self._send_to_moto(request)
        if self.faults.answered(call, refused=answer.status_code >= 400):
            self._kill(f"died after {call}")
        self.faults.breathe()
        if "lose_answer" in struck:
            raise ConnectionClosedError(endpoint_url=request.url)
        if fault := struck.get("server_error"):
            return refusal(request, model, code=fault.code, message=fault.message, status=fault.status)
        return answer

    def _kill(self, why: str) -> None:
        self.faults.kill(why)
        self.faults.breathe()

    def _send_to_moto(self, request: AWSPreparedRequest) -> AWSResponse:
        answer = self._moto.process_request(request)
        if answer is None:
            raise RuntimeError(f"moto knows no service at {request.url}")
        status, headers, body = answer
        return AWSResponse(request.url, status, headers, MockRawResponse(body))
