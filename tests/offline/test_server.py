"""The server: the same world behind a port, for processes of their own."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from dify_aws.offline.server import Served, serve
from tests.offline.place import Place, make_place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_s3 import S3Client

UBUNTU = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"
LATENCY_MS = 20


def session() -> boto3.Session:
    return boto3.Session("testing", "testing", region_name="ap-northeast-1")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(speed=100, latency_ms=LATENCY_MS) as server:
        yield server
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)  # it is gone when the block has ended


@pytest.fixture(scope="module")
def ec2(served: Served) -> EC2Client:
    return session().client("ec2", endpoint_url=served.url)


@pytest.fixture(scope="module")
def place(ec2: EC2Client) -> Place:
    return make_place(ec2)


def calls(served: Served, method: str = "GET") -> list[str]:
    request = urllib.request.Request(f"{served.url}/dify-aws/calls", method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return list(json.loads(text)) if text else []


def test_tokens_are_honoured(place: Place) -> None:
    assert place.launch(ClientToken="t") == place.launch(ClientToken="t")
    with refused("IdempotentParameterMismatch"):
        place.launch(ClientToken="t", InstanceType="t3.large")


def test_things_take_their_time_on_a_clock_that_runs(place: Place) -> None:
    """At a hundred times real time a NAT gateway is there after a bit more than a second."""
    nat = place.nat_gateway()

    def state() -> str:
        return place.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"]

    assert state() == "pending"
    deadline = time.monotonic() + 10
    while state() == "pending" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert state() == "available"


def test_what_is_needed_cannot_be_deleted(place: Place) -> None:
    with refused("DependencyViolation"):
        place.ec2.delete_vpc(VpcId=place.vpc)
    with refused("DependencyViolation"):
        place.ec2.delete_internet_gateway(InternetGatewayId=place.gateway)


def test_a_dry_run_changes_nothing(ec2: EC2Client) -> None:
    before = ec2.describe_vpcs()["Vpcs"]
    with refused("DryRunOperation", status=412):
        ec2.create_vpc(CidrBlock="10.8.0.0/16", DryRun=True)
    assert ec2.describe_vpcs()["Vpcs"] == before


def test_the_images_are_there(served: Served, ec2: EC2Client) -> None:
    ssm = session().client("ssm", endpoint_url=served.url)
    image = ssm.get_parameter(Name=UBUNTU)["Parameter"]["Value"]
    assert ec2.describe_images(ImageIds=[image])["Images"][0]["OwnerId"] == "099720109477"


@pytest.fixture
def s3(served: Served) -> S3Client:
    return session().client("s3", endpoint_url=served.url)


def test_buckets_hold_objects_of_every_size(s3: S3Client) -> None:
    s3.create_bucket(Bucket="over-http", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    for size in (0, 1, 300_000):
        s3.put_object(Bucket="over-http", Key="a/b c", Body=b"x" * size)
        assert s3.head_object(Bucket="over-http", Key="a/b c")["ContentLength"] == size
        assert len(s3.get_object(Bucket="over-http", Key="a/b c")["Body"].read()) == size
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket="not-there")


def test_calls_are_listed_in_order(served: Served, s3: S3Client) -> None:
    calls(served, "DELETE")
    connect = session()
    connect.client("sts", endpoint_url=served.url).get_caller_identity()
    connect.client("cloudwatch", endpoint_url=served.url).describe_alarms()
    connect.client("secretsmanager", endpoint_url=served.url).list_secrets()
    connect.client("resourcegroupstaggingapi", endpoint_url=served.url).get_resources()
    s3.list_buckets()
    connect.client("ec2", endpoint_url=served.url).describe_vpcs()
    assert calls(served) == [
        "sts.GetCallerIdentity",
        "cloudwatch.DescribeAlarms",
        "secretsmanager.ListSecrets",
        "resourcegroupstaggingapi.GetResources",
        "s3.ListBuckets",
        "ec2.DescribeVpcs",
    ]


def test_a_connection_is_used_again(ec2: EC2Client) -> None:
    """The server does not close it after each answer, as werkzeug's own would."""
    for _ in range(3):
        headers = ec2.describe_addresses()["ResponseMetadata"]["HTTPHeaders"]
        assert headers.get("connection", "keep-alive") == "keep-alive"


def test_latency_is_added_to_each_call(ec2: EC2Client) -> None:
    started = time.monotonic()
    for _ in range(5):
        ec2.describe_addresses()
    assert time.monotonic() - started >= 5 * LATENCY_MS / 1000


def status_of(served: Served, path: str, method: str = "GET", **headers: str) -> int:
    """The status of a request as a browser sends it."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example.com"},
        {"Host": "rebound.example.com:80"},
        {"Host": "127.0.0.1.example.com"},
        {"Host": "localhost.example.com"},
        {"Host": "[::1].example.com"},
        {"Host": ""},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example.com"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/dify-aws/calls"), ("POST", "/moto-api/reset"), ("GET", "/")])
def test_web_pages_cannot_speak_to_it(served: Served, method: str, path: str, headers: dict[str, str]) -> None:
    """Neither by DNS rebinding nor from another origin: they could read what is rehearsed, or wipe it."""
    ec2 = session().client("ec2", endpoint_url=served.url)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert status_of(served, path, method, **headers) == 403
    assert [each["VpcId"] for each in ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]] == [vpc]
    ec2.delete_vpc(VpcId=vpc)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:1234", "localhost", "LOCALHOST:80", "[::1]:80", "a.localhost"]
)
def test_programs_of_this_machine_can(served: Served, host: str) -> None:
    assert status_of(served, "/dify-aws/calls", Host=host) == 200
    assert status_of(served, "/dify-aws/calls", Host=host, Origin="http://localhost:8888", Sec_Fetch_Site="none") == 200
