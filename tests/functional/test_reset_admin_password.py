"""A new password for the admin: kept before it is set, set by Dify's own command, finished by the next run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dify_aws import AlreadyLocked, Deployment, DifyAwsError, Foundation, Settings, SettingsError
from dify_aws.host.errors import CommandFailed
from dify_aws.offline import offline
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.machine.dify import database
from dify_aws.offline.world import World
from dify_aws.operations.lock.lock import Lock
from dify_aws.runtimes.compose.admin_password import COMMAND, AccountUnknown
from tests.support.model import Killed

EMAIL = "admin@example.com"
SETTINGS = Settings(environment="dev", admin_email=EMAIL, nat_gateway=False)
SECRET = "dify/dev/application"


@pytest.fixture
def world() -> Iterator[World]:
    """With a Dify that was deployed, and a history."""
    with offline() as world:
        Foundation(session=world.session, trail=False, block_public_access=False).apply()
        deployment(world).deploy()
        yield world


def deployment(world: World, **changed: Any) -> Deployment:
    """Another process's."""
    return Deployment(SETTINGS.replace(**changed), session=world.session, wait=0)


def kept(world: World) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        world.session.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"]
    )
    return found


def counts(world: World) -> str:
    """The password that Dify takes."""
    (machine,) = world.connectivity.machines.values()
    found: str = database(machine)["admin_password"]
    return found


def test_the_new_password_is_the_one_that_is_kept(world: World) -> None:
    """And another than before; nothing else of the secrets is changed, nothing pending is left, and it is recorded."""
    before = kept(world)
    assert before["admin_password"] == counts(world)
    done = deployment(world).reset_admin_password()
    after = kept(world)
    assert counts(world) == after["admin_password"] != before["admin_password"]
    assert {**after, "admin_password": ""} == {**before, "admin_password": ""}
    assert (done.email, done.secret, done.key) == (EMAIL, SECRET, "admin_password")
    assert after["admin_password"] not in f"{done!r} {done} {done.to_dict()}"
    record = deployment(world).history()[0]
    assert (record.verb, [change["address"] for change in record.changes]) == (
        "reset-admin-password",
        ["machine: admin password"],
    )
    assert not deployment(world).install()
    groups = world.session.client("ec2").describe_security_groups()["SecurityGroups"]
    assert 22 not in {rule.get("FromPort") for group in groups for rule in group["IpPermissions"]}


def test_no_secret_is_in_a_command_or_in_a_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the old one nor the new one, of any command of the machine, however much we log."""
    orders: list[str] = []
    world.connectivity.before = orders.append
    before = kept(world)["admin_password"]
    with caplog.at_level(logging.DEBUG, logger="dify_aws"):
        deployment(world).reset_admin_password()
    assert COMMAND in orders
    for password in (before, kept(world)["admin_password"]):
        assert password not in "\n".join(orders)
        assert password not in caplog.text


NEXT: dict[str, Callable[[World], object]] = {
    "the same verb": lambda world: deployment(world).reset_admin_password(),
    "an installation": lambda world: deployment(world).install(),
}
KEEPING = [(when, nth) for when in ("kill_before", "kill_after") for nth in (1, 2)]


@pytest.mark.parametrize("following", NEXT, ids=str)
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(following: str, world: World) -> None:
    """As it keeps a password, and as Dify gets it. The one that counts is always in the secret, and the next run leaves
    it there as the one that counts, which is the one that was pending."""
    for when, nth in KEEPING:
        before = kept(world)["admin_password"]
        getattr(world.faults, when)("PutSecretValue", nth=nth)
        with pytest.raises(ProcessKilled):
            deployment(world).reset_admin_password()
        world.restart()
        found = kept(world)
        assert counts(world) in (found["admin_password"], found.get("pending_admin_password"))
        _finished(world, following, found.get("pending_admin_password"))
        if (nth, when, following) == (1, "kill_before", "an installation"):
            assert counts(world) == before

    def kill(order: str) -> None:
        if order == COMMAND:
            raise Killed(order)

    for when in ("before", "after"):
        setattr(world.connectivity, when, kill)
        with pytest.raises(Killed):
            deployment(world).reset_admin_password()
        setattr(world.connectivity, when, lambda order: None)
        found = kept(world)
        assert counts(world) == found["admin_password" if when == "before" else "pending_admin_password"]
        _finished(world, following, found["pending_admin_password"])


def _finished(world: World, following: str, pending: str | None) -> None:
    """Once the lock of the dead run is free."""
    world.clock.sleep(600)
    NEXT[following](world)
    found = kept(world)
    assert found["admin_password"] == counts(world)
    assert not [name for name in found if name.startswith("pending")]
    assert pending in (None, found["admin_password"])


def test_what_is_refused_leaves_the_password_that_counts(world: World) -> None:
    """Each with what to do."""
    _no_secret_can_be_written(world)
    _no_such_account(world)
    _dify_does_not_run(world)
    _nobody_knows_whose(world)
    with Lock(deployment(world).aws, "deploy"), pytest.raises(AlreadyLocked):
        deployment(world).reset_admin_password()


def _no_secret_can_be_written(world: World) -> None:
    """A password that is nowhere kept would lock everybody out."""
    before = counts(world)
    world.faults.refuse("PutSecretValue", "AccessDeniedException")
    with pytest.raises(DifyAwsError, match="AccessDenied"):
        deployment(world).reset_admin_password()
    assert counts(world) == before == kept(world)["admin_password"]


def _no_such_account(world: World) -> None:
    """The address may have been changed in Dify; then it is given."""
    before = kept(world)
    with pytest.raises(AccountUnknown, match=r"(?s)Dify has no account nobody@example.org.*--account"):
        deployment(world).reset_admin_password("nobody@example.org")
    assert kept(world) == before
    assert deployment(world, admin_email=None).reset_admin_password(EMAIL).email == EMAIL
    assert counts(world) != before["admin_password"]


def _dify_does_not_run(world: World) -> None:
    """The old password counts on, the new one is kept for the next try."""
    before = counts(world)
    (machine,) = world.connectivity.machines.values()
    machine.engine.ails["api"] = "ends"
    with pytest.raises(CommandFailed, match="The password that counted still counts") as caught:
        deployment(world).reset_admin_password()
    assert kept(world)["pending_admin_password"] not in str(caught.value)
    assert counts(world) == before
    machine.engine.ails.clear()
    deployment(world).reset_admin_password()
    assert counts(world) == kept(world)["admin_password"] != before


def _nobody_knows_whose(world: World) -> None:
    """Without an address nothing is begun; neither with one that is none, which would be two answers to Dify."""
    with pytest.raises(SettingsError, match="nobody knows whose password"):
        deployment(world, admin_email=None).reset_admin_password()
    with pytest.raises(SettingsError, match="email"):
        deployment(world).reset_admin_password("a@example.com\nchosen-1\nchosen-1")


def test_before_dify_was_installed_there_is_no_password() -> None:
    """That is said, and no secret is made."""
    with offline() as world:
        deployment(world).apply()
        with pytest.raises(DifyAwsError, match="was never installed"):
            deployment(world).reset_admin_password()
        assert kept(world) == {}
