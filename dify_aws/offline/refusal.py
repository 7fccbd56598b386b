"""Refusal: an error of AWS as it stands on the wire, in the protocol that the client speaks."""

from __future__ import annotations

import json
from io import BytesIO
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.model import OperationModel

# The envelope of an error in each protocol that is written in XML.
_XML = {
    "ec2": "<Response><Errors><Error>{error}</Error></Errors><RequestID>{request_id}</RequestID></Response>",
    "query": "<ErrorResponse><Error>{error}</Error><RequestId>{request_id}</RequestId></ErrorResponse>",
    "rest-xml": "<Error>{error}<RequestId>{request_id}</RequestId></Error>",
}


class _Body(BytesIO):
    """A response body that botocore can stream."""

    def stream(self, **_: object) -> list[bytes]:
        return [self.read()]


def refusal(request: AWSPreparedRequest, model: OperationModel, *, code: str, message: str, status: int) -> AWSResponse:
    """An error response of AWS, with a request id.

    Args:
        request: the request.
        model: of its operation; it decides the protocol.
        code: the error code.
        message: the error message.
        status: the HTTP status.
    """
    request_id = str(uuid4())
    if envelope := _XML.get(model.service_model.resolved_protocol):
        error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        body, kind = envelope.format(error=error, request_id=request_id), "text/xml"
    else:
        body, kind = json.dumps({"__type": code, "message": message}), "application/x-amz-json-1.1"
    headers = {"Content-Type": kind, "x-amzn-RequestId": request_id, "x-amz-request-id": request_id}
    content = b"" if request.method == "HEAD" else body.encode()
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Body(content))
