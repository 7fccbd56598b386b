"""A lock item that others can write: what comes of it is a value or an error that names it, and unlock() always can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dify_aws import Aws, Deployment, Settings
from dify_aws.offline.world import World
from dify_aws.operations.access.host_key import KEYS_BEGIN, KEYS_END, console_keys
from dify_aws.operations.lock.errors import AlreadyLocked, LockUnreadable
from dify_aws.operations.lock.lock import Lock
from dify_aws.operations.lock.lock_owner import LOCK_ID, LockOwner
from dify_aws.operations.lock.lock_table import LockTable
from dify_aws.operations.lock.unlock import lock_owner_of, unlock
from dify_aws.operations.status import read_status
from tests.support.edited_answers import EditedAnswers
from tests.support.fuzzing import examples

TEXT: Final = st.text(max_size=20)
NUMBER: Final = st.one_of(TEXT, st.sampled_from(["nan", "inf", "1e400", "-1", "9" * 5000, "1e18"]))
VALUE: Final = st.one_of(st.fixed_dictionaries({"S": TEXT}), st.fixed_dictionaries({"N": NUMBER}), st.none(), TEXT)
STORED: Final[tuple[dict[str, Any], ...]] = (
    {"S": "x"},
    {"S": "\x1b[31m" * 20},
    {"S": "x" * 40_000},
    {"N": "0"},
    {"N": "-1"},
    {"N": "9" * 38},
    {"N": "1.5"},
    {"B": b"\xff"},
    {"BOOL": True},
    {"NULL": True},
    {"SS": ["a", "b"]},
    {"NS": ["1", "2"]},
    {"L": [{"L": [{"M": {"a": {"S": "b"}}}]}]},
    {"M": {}},
)
"""Values that DynamoDB takes."""
NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
ATTRIBUTES: Final = st.sampled_from(["deployment", "id", "owner", "reason", "acquired", "expires", "turn"])


@examples(200)
@given(st.dictionaries(ATTRIBUTES, VALUE))
def test_an_item_is_an_owner_or_a_value_error(item: dict[str, Any]) -> None:
    try:
        lock_owner = LockOwner.read(item)
    except ValueError:
        return
    assert LOCK_ID.fullmatch(lock_owner.id)


@pytest.mark.parametrize(
    "edit",
    [
        {"expires": {"S": "soon"}},
        {"expires": {"N": "100000000000000000000"}},
        {"id": {"S": "\x1b[31m"}},
        {"id": {"S": "-x"}},
        {"owner": {"N": "1"}},
        {"turn": {"S": "many"}},
        {"turn": {"N": "0"}},
    ],
)
def test_unlock_takes_away_what_nobody_can_read(world: World, edit: dict[str, Any]) -> None:
    aws = Aws(world.session, deployment="dify/dev")
    with Lock(aws, "apply"):
        _edit(aws, edit)
        with pytest.raises(LockUnreadable) as refused:
            lock_owner_of(aws)
        with pytest.raises(LockUnreadable):
            unlock(aws, "another")
        _edit(aws, {"reason": {"S": "changed since"}})
        with pytest.raises(LockUnreadable):
            unlock(aws, refused.value.lock_id)
        with pytest.raises(LockUnreadable) as now:
            Lock(aws, "destroy").__enter__()
        assert f'unlock("{now.value.lock_id}")' in str(now.value)
        assert unlock(aws, now.value.lock_id) is None
    assert lock_owner_of(aws) is None
    with Lock(aws, "apply"), pytest.raises(AlreadyLocked), Lock(aws, "apply"):
        pass


def test_unlock_always_can(world: World) -> None:
    """Whatever DynamoDB takes as an item: what an error names is what unlock() takes, and then the lock is free."""
    aws = Aws(world.session, deployment="dify/dev")
    with Lock(aws, "apply"):
        pass
    table = LockTable(aws)

    @examples(40)
    @given(st.dictionaries(st.one_of(ATTRIBUTES, st.just("other")), st.sampled_from(STORED), min_size=1))
    def tried(item: dict[str, Any]) -> None:
        aws.call("dynamodb.PutItem", TableName=table.name, Item={**item, **table._key})
        try:
            lock_owner = lock_owner_of(aws)
        except LockUnreadable as unreadable:
            assert unlock(aws, unreadable.lock_id) is None  # noqa: PT017 - any other error is what is looked for
        else:
            unlock(aws, lock_owner.id if lock_owner else "none")
        assert lock_owner_of(aws) is None
        with Lock(aws, "apply") as lock:
            assert lock.id == getattr(lock_owner_of(aws), "id", None)

    tried()


@pytest.mark.parametrize("reads", [1, 2])
def test_an_item_that_another_run_writes_meanwhile_is_left(world: World, reads: int) -> None:
    """Between the readings and the writing of unlock(): the id and DynamoDB compare, and the lock of that run stays."""
    aws = Aws(world.session, deployment="dify/dev")
    with Lock(aws, "apply"):
        pass
    _edit(aws, {"turn": {"S": "many"}})
    with pytest.raises(LockUnreadable) as unreadable:
        lock_owner_of(aws)
    other = LockOwner("dify/dev", "abc", "ann", "deploy", NOW, NOW + timedelta(days=3650)).item()
    written: list[str] = []

    def after(operation: str, answer: dict[str, Any]) -> None:
        if operation == "dynamodb.GetItem":
            written.append(operation)
            if len(written) == reads:
                _edit(aws, {**other, "turn": {"N": "7"}})

    session: Any = EditedAnswers(world, after)
    with pytest.raises(LockUnreadable):
        unlock(Aws(session, deployment="dify/dev"), unreadable.value.lock_id)
    assert len(written) == 2
    there = lock_owner_of(aws)
    assert there is not None
    assert there.id == "abc"


def test_status_and_diagnosis_report_it(world: World) -> None:
    settings = Settings(environment="dev")
    deployment = Deployment(settings, session=world.session)
    # Renewing the lock would write a readable time again.
    with Lock(deployment.aws, "apply", beat_seconds=86_400):
        _edit(deployment.aws, {"expires": {"S": "soon"}})
        report = read_status(deployment.aws, settings, deployment.stack)
        with pytest.raises(LockUnreadable) as unreadable:
            lock_owner_of(deployment.aws)
        assert report.lock == str(unreadable.value)
        (finding,) = [each for each in deployment.diagnose() if each.subject == "lock"]
        assert finding.condition == "wrong"
        assert f'unlock("{unreadable.value.lock_id}")' in finding.remedy


def test_a_console_log_of_any_length_is_searched_in_linear_time() -> None:
    """Each of these takes a quadratic search minutes."""
    assert console_keys(KEYS_BEGIN * 100_000) == {}
    assert console_keys((KEYS_BEGIN + " x ") * 100_000) == {}
    assert console_keys(KEYS_BEGIN + "ssh-" * 500_000 + KEYS_END) == {}
    assert console_keys(f"{KEYS_BEGIN}\nssh-ed25519 AAAA\n{KEYS_END}{KEYS_BEGIN}") == {"ssh-ed25519": "AAAA"}


def _edit(aws: Aws, attributes: dict[str, Any]) -> None:
    table = LockTable(aws)
    item = aws.call("dynamodb.GetItem", TableName=table.name, Key=table._key)["Item"]
    aws.call("dynamodb.PutItem", TableName=table.name, Item=item | attributes)
