"""The signed URL of a tunnel: what AWS accepts, and what nobody else sees."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import boto3
import botocore.session
import pytest

from dify_aws import Aws, AwsError, CredentialsError
from dify_aws.aws.signing import tunnel_url
from tests.support.tunnel_end import ADDRESS, KEY, NAME, TOKEN, signed_by

ENDPOINT: Final = "eice-0123456789abcdef0"


def aws(token: str | None = TOKEN) -> Aws:
    return Aws(boto3.Session("AKIDEXAMPLE", KEY, token, region_name="ap-northeast-1"), deployment="lab")


@pytest.mark.parametrize("token", [TOKEN, None], ids=["of a role", "of a user"])
def test_it_says_what_aws_wants_to_know_and_is_signed(token: str | None) -> None:
    """The signature is held against one that is calculated by the book, apart from botocore."""
    url = tunnel_url(aws(token), endpoint_id=ENDPOINT, dns_name=NAME, address=ADDRESS, seconds=600).reveal()
    assert url.startswith(f"wss://{NAME}/openTunnel?")
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["X-Amz-Signature"] == signed_by(KEY, url)
    assert query.get("X-Amz-Security-Token") == token
    assert query["X-Amz-Credential"].split("/", 2)[2] == "ap-northeast-1/ec2-instance-connect/aws4_request"
    assert {
        name: value for name, value in query.items() if not name.startswith("X-Amz-") or name == "X-Amz-Expires"
    } == {
        "instanceConnectEndpointId": ENDPOINT,
        "remotePort": "22",
        "privateIpAddress": ADDRESS,
        "maxTunnelDuration": "600",
        "X-Amz-Expires": "60",
    }


def test_it_shows_itself_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """botocore would write the signature and the session token into its debug log."""
    caplog.set_level(logging.DEBUG)
    made = aws()
    caplog.clear()
    url = tunnel_url(made, endpoint_id=ENDPOINT, dns_name=NAME, address=ADDRESS)
    assert repr(url) == "Secret('********')"
    signature = dict(parse_qsl(urlsplit(url.reveal()).query))["X-Amz-Signature"]
    assert signature not in caplog.text
    assert "session" not in caplog.text
    assert "StringToSign" not in caplog.text


def test_without_credentials_it_is_stated_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    bare = Aws(boto3.Session(region_name="ap-northeast-1"), deployment="lab")
    with pytest.raises(CredentialsError, match=r"OpenTunnel.*\n.*aws sts get-caller-identity"):
        tunnel_url(bare, endpoint_id=ENDPOINT, dns_name=NAME, address=ADDRESS)


def test_fips_where_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same setting as everything else of boto3. Where there is none, nobody falls back to the other silently."""
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    wishing = Aws(
        boto3.Session("AKIDEXAMPLE", KEY, botocore_session=botocore.session.Session(), region_name="us-east-1"),
        deployment="lab",
    )
    url = tunnel_url(wishing, endpoint_id=ENDPOINT, dns_name=NAME, fips_dns_name=f"fips.{NAME}", address=ADDRESS)
    assert urlsplit(url.reveal()).hostname == f"fips.{NAME}"
    with pytest.raises(AwsError, match="no FIPS endpoint in us-east-1"):
        tunnel_url(wishing, endpoint_id=ENDPOINT, dns_name=NAME, address=ADDRESS)
