"""Waiters: work that AWS does in its own time, and how often we look.

What "done" and "failed" mean is botocore's own data (its waiter models); the missing ones are added below in the same
form. Only the polling is ours: botocore looks every 15 seconds, which turns a start of 16 seconds into one of 30.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.waiter import SingleWaiterConfig

from dify_aws.aws import ebs_key
from dify_aws.aws.error_translation import failure, refusal
from dify_aws.clock import Clock
from dify_aws.errors import AwsError, WaitTimedOut


@dataclass(frozen=True)
class WaiterTiming:
    """How long a thing may take, and how often it is looked at, in seconds."""

    timeout: float
    longest_pause: float
    why: str


WAITER_TIMINGS: Final = {
    "nat_gateway_available": WaiterTiming(600, 5, "about 115 s as a rule"),
    "nat_gateway_deleted": WaiterTiming(600, 5, "about 60 s as a rule"),
    "instance_running": WaiterTiming(600, 2, "about 17 s as a rule"),
    "instance_stopped": WaiterTiming(900, 5, "the machine writes its data first"),
    "instance_terminated": WaiterTiming(900, 3, "about 30 s as a rule"),
    "volume_available": WaiterTiming(300, 2, "a few seconds; longer while an instance lets go of it"),
    "volume_deleted": WaiterTiming(300, 2, "a few seconds"),
    "vpc_endpoint_available": WaiterTiming(300, 3, "a few seconds for a gateway endpoint"),
    "vpc_endpoint_gone": WaiterTiming(300, 3, "its routes are taken out of the tables first"),
    "schedule_group_gone": WaiterTiming(300, 3, "its schedules are deleted first"),
    "table_exists": WaiterTiming(300, 2, "about 10 s as a rule"),
    "table_not_exists": WaiterTiming(300, 2, "a few seconds"),
    "instance_connect_endpoint_usable": WaiterTiming(900, 10, "some minutes as a rule"),
    "instance_connect_endpoint_gone": WaiterTiming(900, 10, "its network interface goes first"),
}

REASONS: Final = ("State", "Status", "StateMessage", "FailureCode", "FailureMessage")
"""What AWS calls the words by which it tells how far a thing is, and why it is no farther."""

FIRST_PAUSE: Final = 0.5
FEWEST_LOOKS: Final = 10

_ENDPOINT_STATES: Final = "InstanceConnectEndpoints[].State"

OURS: Final[dict[str, dict[str, Any]]] = {
    "schedule_group_gone": {
        "operation": "GetScheduleGroup",
        "delay": 3,
        "maxAttempts": 100,
        "acceptors": [{"matcher": "error", "expected": "ResourceNotFoundException", "state": "success"}],
    },
    "vpc_endpoint_available": {
        "operation": "DescribeVpcEndpoints",
        "delay": 3,
        "maxAttempts": 100,
        "acceptors": [
            {"matcher": "pathAll", "expected": "available", "argument": "VpcEndpoints[].State", "state": "success"},
            *(
                {"matcher": "pathAny", "expected": state, "argument": "VpcEndpoints[].State", "state": "failure"}
                for state in ("failed", "rejected", "deleting", "deleted")
            ),
        ],
    },
    "vpc_endpoint_gone": {
        "operation": "DescribeVpcEndpoints",
        "delay": 3,
        "maxAttempts": 100,
        "acceptors": [
            {"matcher": "error", "expected": "InvalidVpcEndpointId.NotFound", "state": "success"},
            {"matcher": "path", "expected": True, "argument": "length(VpcEndpoints[]) == `0`", "state": "success"},
            {"matcher": "pathAll", "expected": "deleted", "argument": "VpcEndpoints[].State", "state": "success"},
            {"matcher": "pathAny", "expected": "failed", "argument": "VpcEndpoints[].State", "state": "failure"},
        ],
    },
    "instance_connect_endpoint_usable": {
        "operation": "DescribeInstanceConnectEndpoints",
        "delay": 10,
        "maxAttempts": 90,
        "acceptors": [
            *(
                {"matcher": "pathAll", "expected": state, "argument": _ENDPOINT_STATES, "state": "success"}
                for state in ("create-complete", "update-complete")
            ),
            *(
                {"matcher": "pathAny", "expected": state, "argument": _ENDPOINT_STATES, "state": "failure"}
                for state in ("create-failed", "update-failed", "delete-in-progress", "delete-complete")
            ),
        ],
    },
    "instance_connect_endpoint_gone": {
        "operation": "DescribeInstanceConnectEndpoints",
        "delay": 10,
        "maxAttempts": 90,
        "acceptors": [
            {"matcher": "error", "expected": "InvalidInstanceConnectEndpointId.NotFound", "state": "success"},
            {
                "matcher": "path",
                "expected": True,
                "argument": "length(InstanceConnectEndpoints[]) == `0`",
                "state": "success",
            },
            {"matcher": "pathAll", "expected": "delete-complete", "argument": _ENDPOINT_STATES, "state": "success"},
            {"matcher": "pathAny", "expected": "delete-failed", "argument": _ENDPOINT_STATES, "state": "failure"},
        ],
    },
}
"""Waiters that botocore lacks, in botocore's own form."""


def wait(client: BaseClient, clock: Clock, waiter: str, region: str, params: dict[str, Any]) -> dict[str, Any]:
    """Look until it is done; the last answer. AwsError if it failed, WaitTimedOut if it took too long."""
    config: Any = SingleWaiterConfig(OURS[waiter]) if waiter in OURS else client.get_waiter(waiter).config
    operation = f"{client.meta.service_model.service_name}.{config.operation}"
    look = _looker(client, config.operation)
    pace, began, pause, looks = WAITER_TIMINGS[waiter], clock.now(), FIRST_PAUSE, 0
    while True:
        answer = look(params)
        looks += 1
        state = next((each.state for each in config.acceptors if each.matcher_func(answer)), None)
        if state == "success":
            return answer
        if state == "failure":
            reason = _reason(answer)
            failed = f"waiting for {waiter.replace('_', ' ')}: {reason}"
            raise AwsError(operation, "Failed", failed, advice=ebs_key.advice(reason))
        if state is None and "Error" in answer:
            raise refusal(operation, ClientError(cast(Any, answer), config.operation), region)
        if looks >= FEWEST_LOOKS and clock.now() - began >= pace.timeout:
            raise WaitTimedOut(
                operation,
                "TimedOut",
                f"not {waiter.replace('_', ' ')} after {pace.timeout:.0f} s ({pace.why}); last seen: {_reason(answer)}",
                advice="AWS may be slow today: run again to go on waiting.",
            )
        clock.sleep(pause)
        pause = min(pause * 1.6, pace.longest_pause)


def _looker(client: BaseClient, operation: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    method = getattr(client, xform_name(operation))

    def look(params: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = method(**params)
        except ClientError as error:
            answer = dict(error.response)
        except BotoCoreError as error:
            raise failure(f"{client.meta.service_model.service_name}.{operation}", error) from error
        return answer

    return look


def _reason(answer: dict[str, Any]) -> str:
    """The states and failure messages in an answer, whatever they are called there."""
    if "Error" in answer:
        return str(answer["Error"].get("Code"))
    told: list[str] = []

    def gather(value: object) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                if isinstance(item, str) and name in REASONS:
                    told.append(item)
                elif name in ("State", "StateReason") and isinstance(item, dict):
                    told.extend(str(item[each]) for each in ("Name", "Message") if each in item)
                else:
                    gather(item)
        elif isinstance(value, list):
            for item in value:
                gather(item)

    gather({name: item for name, item in answer.items() if name != "ResponseMetadata"})
    return ", ".join(dict.fromkeys(told)) or "nothing"
