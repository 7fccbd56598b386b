"""moto as it comes, with nothing of ours in it: a test of somebody's own, in the process and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws
from moto.server import ThreadedMotoServer

from dify_aws import Aws, Deployment, NotAvailable, Settings, Stack, Topic
from dify_aws.offline.calls import Call
from dify_aws.offline.world import forget_everything
from tests.support.plans import aws_plan

REGION: Final = "ap-northeast-1"


@contextmanager
def in_this_process() -> Iterator[None]:
    with mock_aws():
        yield


@contextmanager
def over_http() -> Iterator[None]:
    forget_everything()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
            yield
    finally:
        server.stop()
        forget_everything()


@pytest.fixture(params=[in_this_process, over_http])
def moto(request: pytest.FixtureRequest) -> Iterator[None]:
    with request.param():
        boto3.client("ec2", region_name=REGION).describe_vpcs()
        yield


class Calls:
    """A session whose calls are written down."""

    def __init__(self) -> None:
        self.session = boto3.Session(region_name=REGION)
        self.made: list[Call] = []
        self.session.events.register("before-call", self._note)

    def _note(self, model: Any, **_: object) -> None:
        self.made.append(Call(model.service_model.service_name, model.name))

    @property
    def writes(self) -> list[str]:
        return [str(call) for call in self.made if call.writes]


def settings(**other: Any) -> Settings:
    """Those that moto can fulfil: it has no image of Ubuntu 22.04, and no credits of a processor but "standard"."""
    ubuntu: Any = [{"Name": "name", "Values": ["ubuntu/images/*"]}, {"Name": "architecture", "Values": ["x86_64"]}]
    (image, *_) = boto3.client("ec2", region_name=REGION).describe_images(Filters=ubuntu)["Images"]
    given: dict[str, Any] = {
        "environment": "dev",
        "alarm_email": "a@your-company.com",
        "image_id": image["ImageId"],
        "cpu_credits": "standard",
    }
    return Settings(**{**given, **other})


@pytest.mark.usefixtures("moto")
def test_a_whole_life() -> None:
    """Planned, applied, applied again without a writing call, planned empty, and destroyed with the data."""
    of = settings()
    first = Deployment(of, session=Calls().session)
    assert {action.verb for action in first.plan()} == {"create"}
    outputs = first.apply()

    again = Calls()
    assert Deployment(of, session=again.session).apply() == outputs
    assert again.writes == []
    assert not aws_plan(Deployment(of, session=again.session))

    ended = Deployment(of, session=Calls().session).destroy(delete_data=True)
    assert ended.kept == ()
    left = boto3.client("resourcegroupstaggingapi", region_name=REGION).get_resources(
        TagFilters=[{"Key": "dify-aws:deployment", "Values": [of.deployment]}]
    )["ResourceTagMappingList"]
    # What has ended stays listed with its tags, as on AWS.
    ended_ones = ("instance/", "natgateway/")
    there = [each["ResourceARN"].split(":", 5)[5] for each in left]
    assert [each for each in there if not each.startswith(ended_ones)] == []
    instances = boto3.client("ec2", region_name=REGION).describe_instances()["Reservations"]
    assert {each["State"]["Name"] for one in instances for each in one["Instances"]} <= {"terminated"}


@pytest.mark.usefixtures("moto")
@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_what_is_desired_and_not_there_is_named(verb: str) -> None:
    """moto has no EC2 Instance Connect Endpoints. Nothing was changed by the attempt."""
    calls = Calls()
    run: Callable[[], object] = getattr(Deployment(settings(ssh="tunnel"), session=calls.session), verb)
    with pytest.raises(NotAvailable, match=r"(?s)ec2\.DescribeInstanceConnectEndpoints.*ap-northeast-1.*settings"):
        run()
    assert [call for call in calls.writes if not call.startswith("dynamodb.")] == []


def refused(operation: str, code: str, message: str, status: int) -> Calls:
    """A session in which AWS does not have an operation of one of its regions."""
    calls = Calls()

    def answer(model: Any, **_: object) -> Any:
        if model.name != operation:
            return None
        response = type("Answer", (), {"status_code": status, "headers": {}})()
        error = {"Code": code, "Message": message}
        return response, {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1"}}

    calls.session.events.register("before-call", answer)
    return calls


MISSING: Final = {
    "unknown": ("InvalidAction", "The action X is not valid for this web service.", 400),
    "unknown JSON": ("UnknownOperationException", "", 400),
    "not in this region": (
        "UnsupportedOperation",
        "The functionality you requested is not available in this region.",
        400,
    ),
    "not implemented": ("InternalFailure", "The API action is not yet implemented", 501),
    "not signed up": ("OptInRequired", "The AWS Access Key Id needs a subscription for the service", 403),
}


@pytest.mark.parametrize("why", MISSING)
def test_a_kind_that_is_not_desired_and_the_region_does_not_have_is_none(why: str) -> None:
    """Every way in which AWS says so; what else goes wrong in a look still stops a run."""
    with mock_aws():
        calls = refused("DescribeNatGateways", *MISSING[why])
        stack = Stack("lab", [Topic(name="alarms")])
        assert stack.apply(Aws(calls.session, deployment="lab"))
        assert not stack.plan(Aws(calls.session, deployment="lab"))
        assert stack.destroy(Aws(calls.session, deployment="lab"))


def test_a_look_that_fails_is_no_empty_one() -> None:
    """Else a destroy would leave behind what it could not see."""
    with mock_aws():
        calls = refused("DescribeNatGateways", "UnauthorizedOperation", "You are not authorized", 403)
        with pytest.raises(Exception, match="UnauthorizedOperation"):
            Stack("lab", []).destroy(Aws(calls.session, deployment="lab"))
