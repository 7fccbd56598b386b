"""A lock item that others can write: what comes of it is a value or an error that names it, and unlock() always can."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dify_aws import Aws
from dify_aws.errors import LockHeld, LockUnreadable
from dify_aws.offline.world import World
from dify_aws.operations.holder import LOCK_ID, Holder
from dify_aws.operations.host_key import KEYS_BEGIN, KEYS_END, console_keys
from dify_aws.operations.lock import Lock, holder_of, unlock
from dify_aws.operations.lock_table import LockTable

TEXT: Final = st.text(max_size=20)
NUMBER: Final = st.one_of(TEXT, st.sampled_from(["nan", "inf", "1e400", "-1", "9" * 5000, "1e18"]))
VALUE: Final = st.one_of(st.fixed_dictionaries({"S": TEXT}), st.fixed_dictionaries({"N": NUMBER}), st.none(), TEXT)
ATTRIBUTES: Final = st.sampled_from(["deployment", "id", "owner", "reason", "acquired", "expires", "turn"])


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.dictionaries(ATTRIBUTES, VALUE))
def test_an_item_is_a_holder_or_a_value_error(item: dict[str, Any]) -> None:
    try:
        holder = Holder.read(item)
    except ValueError:
        return
    assert LOCK_ID.fullmatch(holder.id)


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
            holder_of(aws)
        with pytest.raises(LockUnreadable):
            unlock(aws, "another")
        _edit(aws, {"reason": {"S": "changed since"}})
        with pytest.raises(LockUnreadable):
            unlock(aws, refused.value.lock_id)
        with pytest.raises(LockUnreadable) as now:
            Lock(aws, "destroy").__enter__()
        assert f'unlock("{now.value.lock_id}")' in str(now.value)
        assert unlock(aws, now.value.lock_id) is None
    assert holder_of(aws) is None
    with Lock(aws, "apply"), pytest.raises(LockHeld), Lock(aws, "apply"):
        pass


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
