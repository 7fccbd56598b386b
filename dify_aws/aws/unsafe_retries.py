"""Doubt: a creation whose answer was lost is not simply sent again.

botocore retries a request when the connection breaks or AWS answers with a server error. For most operations that is
right. For a creation that has neither a client token nor a unique name, the first request may have been carried out,
and the second one makes a twin. For those (``create_request.NOT_IDEMPOTENT``) the retry is turned into
:class:`OutcomeUnknown`, and the engine looks before it asks again.
"""

from __future__ import annotations

from typing import Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError

from dify_aws.aws.create_request import NOT_IDEMPOTENT
from dify_aws.errors import OutcomeUnknown

NEVER_SENT: Final = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
"""The request did not leave this machine, so there is no doubt."""

BUSY: Final = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException", "SlowDown", "ServiceUnavailable"})
"""AWS did not even begin; 503 is EC2's status for throttling."""


def watch(client: BaseClient) -> None:
    """Ask before botocore sends one of those creations a second time."""
    service = client.meta.service_model.service_name
    if service == "ec2":
        client.meta.events.register_first("needs-retry.ec2", _ask, unique_id="dify-aws-doubt")


def _ask(
    *, response: Any = None, operation: Any = None, caught_exception: BaseException | None = None, **_: object
) -> None:
    if operation is None or operation.name not in NOT_IDEMPOTENT:
        return
    name = f"ec2.{operation.name}"
    if caught_exception is not None and not isinstance(caught_exception, NEVER_SENT):
        raise OutcomeUnknown(name, type(caught_exception).__name__, str(caught_exception)) from caught_exception
    if response is not None:
        http, parsed = response
        error = parsed.get("Error", {})
        if http.status_code >= 500 and error.get("Code") not in BUSY:
            raise OutcomeUnknown(name, str(error.get("Code")), str(error.get("Message")), status=http.status_code)
