"""Whose a thing is: found when nobody wishes for it any more, and never touched through another deployment."""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws import Aws, Stack, StackError, Topic
from dify_aws.engine.resource import Actual
from dify_aws.offline.world import World
from dify_aws.resources.named_resource import NamedResource, indexed_services
from tests.functional.cases import CASES
from tests.support.inventory import counted, inventory
from tests.support.lab import DEPLOYMENT, Lab
from tests.support.queue import Queue

NAMED = [kind for kind, case in CASES.items() if issubclass(case.kind, NamedResource)]


@pytest.mark.parametrize("kind", sorted(CASES))
def test_what_is_no_longer_desired_is_found_and_deleted(world: World, kind: str) -> None:
    """A stack without it says so in its plan, and takes it away: no kind is forgotten where things are listed."""
    lab = Lab(world, CASES[kind])
    lab.apply()
    address = lab.case.address
    # Its services show what they have by now: the index of tags lags on AWS.
    *needed, subject = lab.case.stack()
    without = Stack(DEPLOYMENT, needed)
    # A secret that no stack speaks of any more may open what nothing else does.
    verb = "keep" if subject.keep or kind == "secret" else "delete"
    assert [(action.verb, action.address) for action in without.plan(lab.aws())] == [(verb, address)]
    without.apply(lab.aws(), delete_data=True)
    assert not without.plan(lab.aws())
    assert not Stack(DEPLOYMENT, []).plan(lab.aws()) or needed
    # With its stack, which has the names that do not have our form.
    Stack(DEPLOYMENT, needed).destroy(lab.aws(), delete_data=True)
    assert counted(inventory(world.session)) == {}


def test_the_index_is_queried_for_every_service_that_a_kind_is_listed_under() -> None:
    """And for those that a kind of somebody else adds: the queue of the tests is loaded by some of them."""
    library = ["cloudtrail", "cloudwatch", "dynamodb", "logs", "s3", "secretsmanager", "sns"]
    assert [service for service in indexed_services() if service != Queue.indexed_as] == library
    assert Queue.indexed_as in indexed_services()


def test_a_kind_that_does_not_say_where_it_is_listed_cannot_be_written() -> None:
    """Forgetting it would be silence: what is retired would stay, and be paid for."""

    def forgetful() -> object:
        class Queue(NamedResource):
            kind = "forgotten-queue"
            in_arn = ":sqs:"

            def named(self, aws: Aws) -> str:
                return self.name

            @classmethod
            def look(cls, aws: Aws, name: str) -> Actual | None:
                return None

        return Queue

    with pytest.raises(TypeError, match="Queue is found by AWS's index of tags"):
        forgetful()


VERBS: dict[str, Any] = {
    "plan": lambda stack, aws: stack.plan(aws),
    "apply": lambda stack, aws: stack.apply(aws),
    "plan_destroy": lambda stack, aws: stack.plan_destroy(aws),
    "destroy": lambda stack, aws: stack.destroy(aws),
    "find": lambda stack, aws: stack.find(aws),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_stack_is_not_worked_on_through_the_aws_of_another_deployment(world: World, verb: str) -> None:
    """What the other one has would be taken for retired, and deleted. AWS is not even asked."""
    other = Stack("other", [Topic(name="alarms")])
    other.apply(Aws(world.session, deployment="other"))
    world.forget_calls()
    with pytest.raises(StackError, match=r"'lab'.*'other'"):
        VERBS[verb](Stack("lab", [Topic(name="mine")]), Aws(world.session, deployment="other"))
    assert world.calls == []
    assert counted(inventory(world.session)) == {"topic": 1}
