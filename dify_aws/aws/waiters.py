"""Waiters: work that AWS does in its own time, and how often we look.

What "done" and "failed" mean is botocore's own data (its waiter models); the missing ones stand in the files of the
kinds, in the same form. Only the polling is ours: botocore looks every 15 seconds, which turns a start of 16 seconds
into one of 30.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.waiter import SingleWaiterConfig

from dify_aws.aws.errors import ebs_key
from dify_aws.aws.errors.error_translation import failure, refusal
from dify_aws.clock import Clock
from dify_aws.errors import AwsError, WaitTimedOut


@dataclass(frozen=True)
class Waiter:
    """Work of AWS that a kind of resource waits for; it stands in the file of the kind.

    Args:
        service: as boto3 calls it.
        name: of botocore's waiter, or of one of our own.
        timeout: how long it may take, in seconds.
        longest_pause: how often it is looked at, in seconds.
        why: how long it takes as a rule.
        model: what "done" and "failed" mean, in the form of botocore's waiter models, where botocore has none.
    """

    service: str
    name: str
    timeout: float
    longest_pause: float
    why: str
    model: Mapping[str, Any] | None = None


def own_model(operation: str, *acceptors: Mapping[str, Any]) -> Mapping[str, Any]:
    """A waiter that botocore lacks, in botocore's own form.

    Args:
        operation: that tells how far it is.
        acceptors: in order; the first that matches decides.
    """
    # How often and how long is the Waiter's own: botocore wants both.
    return {"operation": operation, "delay": 3, "maxAttempts": 100, "acceptors": list(acceptors)}


REASONS: Final = ("State", "Status", "StateMessage", "FailureCode", "FailureMessage")
"""What AWS calls the words by which it tells how far a thing is, and why it is no farther."""

FIRST_PAUSE: Final = 0.5
FEWEST_LOOKS: Final = 10


def wait(client: BaseClient, clock: Clock, waiter: Waiter, region: str, params: dict[str, Any]) -> dict[str, Any]:
    """Look until it is done; the last answer. AwsError if it failed, WaitTimedOut if it took too long."""
    own = waiter.model
    config: Any = SingleWaiterConfig(dict(own)) if own is not None else client.get_waiter(waiter.name).config
    operation = f"{client.meta.service_model.service_name}.{config.operation}"
    look = _looker(client, config.operation)
    began, pause, looks = clock.now(), FIRST_PAUSE, 0
    state_of = waiter.name.replace("_", " ")
    while True:
        answer = look(params)
        looks += 1
        state = next((each.state for each in config.acceptors if each.matcher_func(answer)), None)
        if state == "success":
            return answer
        if state == "failure":
            reason = _reason(answer)
            failed = f"waiting for {state_of}: {reason}"
            raise AwsError(operation, "Failed", failed, advice=ebs_key.advice(reason))
        if state is None and "Error" in answer:
            raise refusal(operation, ClientError(cast(Any, answer), config.operation), region)
        if looks >= FEWEST_LOOKS and clock.now() - began >= waiter.timeout:
            raise WaitTimedOut(
                operation,
                "TimedOut",
                f"not {state_of} after {waiter.timeout:.0f} s ({waiter.why}); last seen: {_reason(answer)}",
                advice="AWS may be slow today: run again to go on waiting.",
            )
        clock.sleep(pause)
        pause = min(pause * 1.6, waiter.longest_pause)


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
    reasons: list[str] = []

    def gather(value: object) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                if isinstance(item, str) and name in REASONS:
                    reasons.append(item)
                elif name in ("State", "StateReason") and isinstance(item, dict):
                    reasons.extend(str(item[each]) for each in ("Name", "Message") if each in item)
                else:
                    gather(item)
        elif isinstance(value, list):
            for item in value:
                gather(item)

    gather({name: item for name, item in answer.items() if name != "ResponseMetadata"})
    return ", ".join(dict.fromkeys(reasons)) or "nothing"
