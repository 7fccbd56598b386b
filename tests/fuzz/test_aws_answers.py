"""AWS's answers with places taken away or replaced: a result or an error that names it, and no data goes.

The answers are those of the offline world for each kind, as they are when everything is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dify_aws import Aws, Deployment, DifyAwsError, Plan, PlanRefused, RunFailed, Settings, UnexpectedAnswer
from dify_aws.offline import offline
from dify_aws.offline.world import World
from dify_aws.operations.status import read_status
from tests.functional.cases import CASES
from tests.support.edited_answers import EditedAnswers
from tests.support.fuzzing import EDITS, edit, examples
from tests.support.lab import DEPLOYMENT, Lab

DATA: Final = ("bucket/", "instance/", "secret/", "table/", "volume/")
SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com")


def check(error: BaseException) -> None:
    """The error says what it is about and what to do, and keeps its cause."""
    assert isinstance(error, DifyAwsError)
    assert str(error)
    if isinstance(error, PlanRefused):
        for _, each in error.errors:
            check(each)
    if isinstance(error, RunFailed):
        for each in error.failures.values():
            check(each)
    if isinstance(error, UnexpectedAnswer):
        assert error.address
        assert error.__cause__ is not None
        assert "Run again" in str(error)


def outcome(run: Callable[[], Plan]) -> Plan | None:
    """The plan, shown in each way that there is; None if there is an error of ours in its place."""
    try:
        plan = run()
    except DifyAwsError as error:
        check(error)
        return None
    assert str(plan)
    assert json.dumps(plan.to_dict(), default=str)
    return plan


def deleted(plan: Plan | None) -> set[str]:
    """The addresses of what may hold data, and of the machines, that a plan deletes."""
    return {each.address for each in plan or () if each.verb == "delete" and each.address.startswith(DATA)}


@pytest.mark.parametrize("kind", CASES)
def test_a_plan_of_each_kind(world: World, kind: str) -> None:
    lab = Lab(world, CASES[kind])
    lab.apply()
    before = len(world.calls)
    lab.plan()
    requested = sorted({str(call) for call in world.calls[before:]})
    without_data = deleted(lab.stack().plan_destroy(lab.aws()))
    untouched: Any = EditedAnswers(world, lambda requested, answer: None)
    assert lab.stack().plan(Aws(untouched, deployment=DEPLOYMENT)).actions == ()

    @examples(8)
    @given(st.sampled_from(requested), EDITS)
    def tried(operation: str, how: tuple[int, Any]) -> None:
        session: Any = EditedAnswers(
            world, lambda requested, answer: edit(answer, how) if requested == operation else None
        )
        writes = len(world.writes)
        assert not deleted(outcome(lambda: lab.stack().plan(Aws(session, deployment=DEPLOYMENT))))
        removal = outcome(lambda: lab.stack().plan_destroy(Aws(session, deployment=DEPLOYMENT)))
        assert deleted(removal) <= without_data
        assert len(world.writes) == writes

    tried()


def test_every_reading_of_a_whole_environment(world: World) -> None:
    """A plan, a destroy that is only planned, the outputs, the status and the history."""
    whole = Deployment(SETTINGS, session=world.session)
    whole.apply()
    without_data = deleted(whole.plan_destroy())
    assert without_data == {"instance/host", "secret/ssh-private-key", "secret/ssh-public-key"}
    before = len(world.calls)
    read_status(whole.aws, SETTINGS, whole.stack)
    requested = sorted({str(call) for call in world.calls[before:]} | {"sts.GetCallerIdentity"})

    @examples(6)
    @given(st.sampled_from(requested), EDITS)
    def tried(operation: str, how: tuple[int, Any]) -> None:
        session: Any = EditedAnswers(
            world, lambda requested, answer: edit(answer, how) if requested == operation else None
        )
        deployment = Deployment(SETTINGS, session=session)
        writes = len(world.writes)
        assert not deleted(outcome(deployment.plan))
        assert deleted(outcome(deployment.plan_destroy)) <= without_data
        for read in (
            deployment.outputs,
            deployment.history,
            lambda: read_status(deployment.aws, SETTINGS, deployment.stack),
        ):
            try:
                str(read())
            except DifyAwsError as error:
                check(error)
        assert len(world.writes) == writes

    tried()


@pytest.mark.parametrize("kind", CASES)
def test_an_apply_of_each_kind(kind: str) -> None:
    """One answer on the way cannot be read. The next run, with AWS's own, brings it to its end; nothing is deleted."""

    @examples(2)
    @given(st.data(), EDITS)
    def tried(data: st.DataObject, how: tuple[int, Any]) -> None:
        with offline() as world:
            lab = Lab(world, CASES[kind])
            operation = data.draw(st.sampled_from(sorted(CASES[kind].kind.permissions)))
            edited: list[str] = []

            def once(requested: str, answer: dict[str, Any]) -> None:
                if requested.replace(".", ":") == operation and not edited:
                    edited.append(requested)
                    edit(answer, how)

            session: Any = EditedAnswers(world, once)
            try:
                lab.stack().apply(Aws(session, deployment=DEPLOYMENT))
            except DifyAwsError as error:
                check(error)
            lab.apply()
            # What the first run changed in a bucket may already have looked right to the second one, and S3 may show
            # the old state once more: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
            lab.hand.wait()
            assert not lab.plan()
            assert not [call for call in world.writes if call.operation.startswith(("Delete", "Terminate"))]

    tried()
