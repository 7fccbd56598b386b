"""UnsafeRetries: a creation whose answer was lost is not simply sent again.

botocore retries a request when the connection breaks or AWS answers with a server error. For most operations that is
right. A creation that has neither a client token nor a unique name may have been carried out, and the second one makes
a duplicate. For those the retry is turned into :class:`OutcomeUnknown`, and the engine looks before it asks again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError

from dify_aws.errors import OutcomeUnknown

NEVER_SENT: Final = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
"""The request did not leave this machine, so there is no doubt."""

BUSY: Final = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException", "SlowDown", "ServiceUnavailable"})
"""AWS did not even begin; 503 is EC2's status for throttling."""


def watch(client: BaseClient, service: str, unrepeatable: Collection[str]) -> None:
    """Ask before botocore sends one of those creations a second time.

    Args:
        client: of the service.
        service: its name in boto3.
        unrepeatable: the operations, as in ``ec2.CreateVpc``; it may grow while the client is used.
    """

    def ask(
        *, response: Any = None, operation: Any = None, caught_exception: BaseException | None = None, **_: object
    ) -> None:
        name = f"{service}.{operation.name}" if operation is not None else ""
        if name not in unrepeatable:
            return
        if caught_exception is not None and not isinstance(caught_exception, NEVER_SENT):
            raise OutcomeUnknown(name, type(caught_exception).__name__, str(caught_exception)) from caught_exception
        if response is not None:
            http, parsed = response
            error = parsed.get("Error", {})
            if http.status_code >= 500 and error.get("Code") not in BUSY:
                raise OutcomeUnknown(name, str(error.get("Code")), str(error.get("Message")), status=http.status_code)

    event = f"needs-retry.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.register_first(event, ask, unique_id="dify-aws-unsafe-retries")
