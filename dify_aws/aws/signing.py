"""Signing: the URL by which AWS lets us into a tunnel. It is as good as a password for a minute, so it is a Secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, NoCredentialsError

from dify_aws.aws.client import Aws
from dify_aws.aws.errors.error_translation import failure, no_terminal
from dify_aws.errors import AwsError
from dify_aws.secrets import Secret

OPERATION: Final = "ec2-instance-connect.OpenTunnel"
GOOD_FOR_SECONDS: Final = 60
LONGEST_SECONDS: Final = 3600
"""AWS keeps no tunnel open for longer.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/permissions-for-ec2-instance-connect-endpoint.html"""


def tunnel_url(
    aws: Aws,
    *,
    endpoint_id: str,
    dns_name: str,
    fips_dns_name: str = "",
    address: str,
    port: int = 22,
    seconds: int = LONGEST_SECONDS,
) -> Secret:
    """The signed URL of a websocket that is a tunnel to a port of a host. Sends nothing.

    Args:
        endpoint_id: the EC2 Instance Connect Endpoint to go through.
        dns_name: its name, as AWS tells it.
        fips_dns_name: its other name, for those who want FIPS endpoints (AWS_USE_FIPS_ENDPOINT); "" if it has none.
        address: the private address of the host.
        port: where its SSH listens.
        seconds: how long the tunnel may stay open, at most an hour.

    Raises:
        CredentialsError: there are none to sign with.
        AwsError: a FIPS endpoint is wished for, and there is none.
    """
    session: Any = aws.session
    name = dns_name
    if session._session.get_config_variable("use_fips_endpoint"):
        name = fips_dns_name
        if not name:
            raise AwsError(
                OPERATION,
                "NoFipsEndpoint",
                f"{endpoint_id} has no FIPS endpoint in {aws.region}",
                advice="Set AWS_USE_FIPS_ENDPOINT=false for this run, or use a region that has them.",
            )
    try:
        found = session.get_credentials()
        if found is None:
            raise NoCredentialsError
        credentials = found.get_frozen_credentials()
    except BotoCoreError as error:
        raise failure(OPERATION, error) from error
    except Exception as error:
        if (refused := no_terminal(OPERATION, error)) is not None:
            raise refused from error
        raise
    parameters = {
        "instanceConnectEndpointId": endpoint_id,
        "remotePort": port,
        "privateIpAddress": address,
        "maxTunnelDuration": seconds,
    }
    request = AWSRequest("GET", f"wss://{name}/openTunnel?{urlencode(parameters)}")
    _Quiet(credentials, "ec2-instance-connect", aws.region, expires=GOOD_FOR_SECONDS).add_auth(request)
    return Secret(str(request.url))


class _Quiet(SigV4QueryAuth):
    """botocore's signature. Its own ``add_auth`` writes all that the URL is made of into the debug log."""

    def add_auth(self, request: Any) -> None:
        # The hooks for those who derive from it, as botocore itself does for S3; its stubs leave them out.
        signer: Any = self
        request.context["timestamp"] = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        signer._modify_request_before_signing(request)
        to_sign = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(to_sign, request))
