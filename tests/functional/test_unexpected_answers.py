"""A key that AWS's answer lacks is an error that names what it is about, and no KeyError."""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws import Aws, PlanRefused, UnexpectedAnswer
from dify_aws.offline.world import World
from tests.functional.cases import CASES
from tests.support.edited_answers import EditedAnswers
from tests.support.fuzzing import deep
from tests.support.lab import DEPLOYMENT, Lab


def without(value: Any, key: str) -> None:
    """Take the key away wherever it stands in the answer."""
    if isinstance(value, dict):
        value.pop(key, None)
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        without(each, key)


@pytest.mark.parametrize(
    ("kind", "operation", "key"),
    [
        ("instance", "ec2.DescribeInstances", "InstanceType"),
        ("subnet", "ec2.DescribeSubnets", "CidrBlock"),
        ("volume", "ec2.DescribeVolumes", "Size"),
    ],
)
def test_a_missing_key_is_named(world: World, kind: str, operation: str, key: str) -> None:
    lab = Lab(world, CASES[kind])
    lab.apply()

    def edit(requested: str, answer: dict[str, Any]) -> None:
        if requested == operation:
            without(answer, key)

    session: Any = EditedAnswers(world, edit)
    with pytest.raises(PlanRefused) as refused:
        lab.stack().plan(Aws(session, deployment=DEPLOYMENT))
    result = [error for _, error in refused.value.errors]
    assert result
    assert all(isinstance(error, UnexpectedAnswer) for error in result)
    assert f"{key!r} is missing" in str(result[0])


def test_an_id_that_is_no_text_is_an_error_that_names_the_kind(world: World) -> None:
    """Else it would be in plans and messages, which nothing can print."""
    lab = Lab(world, CASES["internet-gateway"])
    lab.apply()

    def edit(requested: str, answer: dict[str, Any]) -> None:
        if requested == "ec2.DescribeInternetGateways":
            answer["InternetGateways"][0]["InternetGatewayId"] = deep()

    session: Any = EditedAnswers(world, edit)
    with pytest.raises(PlanRefused) as refused:
        lab.stack().plan_destroy(Aws(session, deployment=DEPLOYMENT))
    errors = dict(refused.value.errors)
    assert isinstance(errors["internet-gateway"], UnexpectedAnswer)
