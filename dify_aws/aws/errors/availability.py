"""Availability: whether a region, a partition or an emulator of AWS has an operation at all."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from dify_aws.errors import AwsError, NotAvailable

NO_SUCH_OPERATION: Final = frozenset(
    {"InvalidAction", "NotImplemented", "NotImplementedError", "UnknownOperation", "UnknownOperationException"}
)
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (InvalidAction)"""

NOT_SIGNED_UP: Final = frozenset({"OptInRequired", "SubscriptionRequiredException"})
"""The account does not use the service: it can have nothing in it."""

OF_AWS: Final = re.compile(r"(amazonaws\.com(\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn|\.(c2s|sc2s)\..+)$")

ADVICE: Final = "Choose another region, or settings that do without it."
EMULATOR_ADVICE: Final = "The emulator of AWS that is asked does not have it: choose settings that do without it."


def not_available(operation: str, error: Exception, client: BaseClient, session: boto3.Session) -> NotAvailable | None:
    """The error of ours if whoever was asked does not have the operation; None if the error means anything else.

    Args:
        operation: as in ``ec2.DescribeVpcs``.
        error: what botocore raised, or what an emulator in this process did.
        client: that was asked.
        session: that knows which service is in which region.
    """
    region, url = client.meta.region_name, client.meta.endpoint_url
    emulated = not OF_AWS.search(urlsplit(url).hostname or "")
    # moto, where a test puts it between boto3 and the network, raises this through botocore.
    if isinstance(error, NotImplementedError) or (emulated and isinstance(error, ResponseParserError)):
        return _not_available(operation, type(error).__name__, str(error), url, region, EMULATOR_ADVICE)
    if isinstance(error, EndpointConnectionError):
        service, partition = operation.partition(".")[0], client.meta.partition
        if region in session.get_available_regions(service, partition) or emulated:
            return None
        return _not_available(operation, "EndpointConnectionError", str(error), url, region, ADVICE)
    if not isinstance(error, ClientError):
        return None
    answer = error.response
    code, message = str(answer["Error"].get("Code", "")), str(answer["Error"].get("Message", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    nowhere = re.search("(?i)not (available|supported) in (this|the) (requested )?region", message)
    if code in NO_SUCH_OPERATION or status == 501 or nowhere or (emulated and code == "500"):
        advice = EMULATOR_ADVICE if emulated else ADVICE
        request_id = str(answer.get("ResponseMetadata", {}).get("RequestId") or "")
        return _not_available(operation, code, message, url, region, advice, request_id=request_id, status=status)
    return None


def is_unavailable(error: AwsError) -> bool:
    """Whether an error means that nothing of the kind can be there, and not only that it could not be seen."""
    return isinstance(error, NotAvailable) or error.code in NOT_SIGNED_UP


def _not_available(
    operation: str,
    code: str,
    message: str,
    url: str,
    region: str,
    advice: str,
    *,
    request_id: str = "",
    status: int = 0,
) -> NotAvailable:
    # An emulator answers with pages of HTML.
    first_line = message.strip().partition("\n")[0]
    text = f"{operation} cannot be called in {region} ({url}): {first_line}"
    return NotAvailable(operation, code, text, request_id=request_id, status=status, advice=advice)
