"""The command line asks before it changes anything: with the plan and its cost, or a plan that was saved."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dify_aws import Deployment, DifyAwsError, PlanOutdated, Settings, load_plan, save_plan
from dify_aws.offline.world import World
from tests.support.shell import Shell

SMALL = "nat_gateway = false\n"
SETTINGS = Settings(environment="dev", nat_gateway=False)


@pytest.fixture
def shell(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """In a folder with a settings file, with an empty account."""
    monkeypatch.chdir(tmp_path)
    Path("settings.toml").write_text(SMALL)
    return Shell(world.session)


@pytest.mark.parametrize("typed", ["", "no\n", "dev\n"])
@pytest.mark.parametrize("command", ["deploy", "apply"])
def test_nothing_is_changed_before_somebody_says_yes(shell: Shell, world: World, command: str, typed: str) -> None:
    """The plan and its cost are shown first, on stderr; at the end of the input nobody has said yes."""
    requested = shell(command, typed=typed)
    assert (requested.status, requested.out, world.writes) == (1, "", [])
    assert "+ vpc/main" in requested.err
    assert "$/month by AWS's list prices" in requested.err
    assert "--yes does not ask" in requested.err


def test_yes_does_what_was_shown_and_a_second_time_there_is_no_question(shell: Shell) -> None:
    """Also with --json: the plan is on stderr, and a program reads the outputs only."""
    first = shell("deploy --json", typed="yes\n")
    assert first.status == 0, first.err
    assert json.loads(first.out)["url"].startswith("http://")
    assert first.err.count("Do this? [yes/no]") == 1
    again = shell("deploy", typed="")
    assert again.status == 0, again.err
    assert "Do this?" not in again.err


def test_what_it_works_on_is_named_before_anything_is_done(shell: Shell) -> None:
    """Environment, file, variables, flags, credentials, account."""
    shell.environ = {"DIFY_AWS_ENVIRONMENT": "dev", "AWS_PROFILE": "work"}
    first, second = shell("status --project lab").err.splitlines()[:2]
    assert first == (
        "lab/dev in ap-northeast-1; settings: settings.toml (found in this folder), DIFY_AWS_ENVIRONMENT, --project; "
        "AWS profile work"
    )
    assert second == "AWS account 123456789012"


def test_a_change_of_the_type_says_that_the_machine_stops(shell: Shell) -> None:
    """It is in no other line of the plan."""
    shell("apply --yes")
    assert "The machine stops for about 2 minutes" not in shell("plan --data-volume-gib 60").out
    assert "The machine stops for about 2 minutes" in shell("plan --instance-type t3.large").out


def test_a_saved_plan_is_executed_without_a_question(shell: Shell, world: World) -> None:
    """Only the owner can read it; it does what it shows, and again nothing."""
    planned = shell("plan --out dev.plan")
    assert (planned.status, world.writes) == (2, [])
    assert Path("dev.plan").stat().st_mode & 0o777 == 0o600
    done = shell("deploy dev.plan")
    assert done.status == 0, done.err
    assert "Do this?" not in done.err
    world.forget_calls()
    assert shell("deploy dev.plan").status == 0
    assert [str(call) for call in world.writes if call.operation.startswith(("Create", "Run"))] == [
        "scheduler.CreateSchedule"
    ]


def test_a_saved_plan_that_no_longer_matches_is_refused(shell: Shell, world: World) -> None:
    """Whatever has changed: AWS, the settings, or which environment is meant."""
    shell("apply --yes")
    shell("plan --out dev.plan")
    world.session.client("cloudwatch").delete_alarms(AlarmNames=["dify--dev--cpu"])
    world.forget_calls()
    for words, why in (
        ("apply dev.plan", "alarm/cpu"),
        ("deploy dev.plan", "alarm/cpu"),
        ("deploy dev.plan --dify-version 1.16.1", "1.16.1"),
        ("apply dev.plan --environment prod", "is a plan for dify/dev"),
        ("apply settings.toml", "is no saved plan"),
        ("apply nowhere.plan", "cannot be read"),
    ):
        refused = shell(words)
        assert (refused.status, refused.out) == (1, "")
        assert why in refused.err, words
    assert world.writes == []


def test_a_saved_plan_is_the_same_in_python(world: World, tmp_path: Path) -> None:
    """What is saved and loaded covers what it was made from, and nothing else."""
    of = Deployment(SETTINGS, session=world.session)
    plan = of.plan()
    save_plan(plan, tmp_path / "dev.plan")
    loaded = load_plan(tmp_path / "dev.plan")
    assert (loaded.summary(), loaded.notes, plan.beyond(loaded)) == (plan.summary(), plan.notes, ())
    bigger = Deployment(SETTINGS.replace(data_volume_gib=60), session=world.session)
    of.apply(loaded)
    save_plan(bigger.plan(), tmp_path / "dev.plan")
    with pytest.raises(PlanOutdated, match="size_gib"):
        Deployment(SETTINGS.replace(data_volume_gib=70), session=world.session).apply(load_plan(tmp_path / "dev.plan"))


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("stauts", "Did you mean status?"),
        ("plan --nat-gatway", "Did you mean --nat-gateway"),
        ("destroy --delet-data", "Did you mean --delete-data?"),
    ],
)
def test_a_slip_of_the_hand_is_answered_with_what_was_meant(shell: Shell, words: str, advice: str) -> None:
    """For commands and for flags."""
    assert advice in shell(words).err


def test_the_command_line_speaks_in_its_own_flags(shell: Shell) -> None:
    """Messages of the library name methods and settings of Python; here they are commands and flags."""
    shell("apply --yes --nat-gateway")
    assert "--no-nat-gateway" in shell("plan --nat-gateway").err + shell("plan --nat-gateway").out
    missing = shell("outputs --environment prod").err
    assert "apply() makes it" not in missing
    assert "`dify-aws apply` makes it" in missing


def test_where_nobody_can_tell_the_address_it_can_be_given(shell: Shell, world: World) -> None:
    """For deploy and install; what is no address is an error before anything is done."""

    def nobody() -> str:
        raise DifyAwsError("nobody could tell the public address of this machine")

    world.connectivity.my_address = nobody  # type: ignore[method-assign]  # a network without the page that tells it
    world.connectivity.address = "203.0.113.50"
    assert "nobody could tell" in shell("deploy --yes").err
    wrong = shell("deploy --yes --address here")
    assert (wrong.status, "is no IP address" in wrong.err) == (1, True)
    right = shell("deploy --yes --address 203.0.113.50")
    assert right.status == 0, right.err
    assert shell("install --yes --address 203.0.113.50").status == 0


def test_colours_are_in_a_pipe_only_where_they_are_forced(shell: Shell) -> None:
    """FORCE_COLOR is what programs agree on; NO_COLOR goes before it. A log is as wide as COLUMNS says."""
    plain = shell("plan").out
    assert "\x1b" not in plain
    shell.environ = {**shell.environ, "FORCE_COLOR": "1", "COLUMNS": "60"}
    coloured = shell("plan").out
    assert "\x1b[32m+ vpc/main" in coloured
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in coloured.splitlines()) <= 60


def test_a_diagnosis_of_nothing_is_one_line(shell: Shell) -> None:
    """With the command that makes one."""
    observed = shell("diagnose")
    assert (observed.status, observed.out) == (
        1,
        "dify/dev in ap-northeast-1: there is none. `dify-aws deploy` makes it.\n",
    )


def test_a_region_without_prices_names_the_flag_that_asks_aws(shell: Shell) -> None:
    """In the bill and in the plan."""
    assert "`dify-aws cost --live` asks AWS" in shell("cost --region eu-north-1").out
    assert "`dify-aws cost --live` asks AWS" in shell("plan --region eu-north-1").out
