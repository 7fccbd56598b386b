"""The command line by itself: whose word counts, what is a flag, and how a result and a mistake are told."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from dify_aws import Action, Change, Plan, Settings, SettingsError
from dify_aws.cli.commands import commands
from dify_aws.cli.given import flag_of, given_settings
from dify_aws.cli.markdown import markdown
from dify_aws.cli.parser import SECRET, flags, parser
from dify_aws.cli.terminal import Terminal
from dify_aws.operations.status import Status
from tests.support.shell import Screen, Shell

SAMPLES: Mapping[str, tuple[str, object]] = {
    "nat_gateway": ("--no-nat-gateway", False),
    "web_cidrs": ("--web-cidrs 192.0.2.0/24,2001:db8::/32", ("192.0.2.0/24", "2001:db8::/32")),
    "root_volume_gib": ("--root-volume-gib 40", 40),
    "tags": ("--tags team=ml,cost=7", {"team": "ml", "cost": "7"}),
    "alarm_email": ("--alarm-email a@your-company.com", "a@your-company.com"),
}


def given(words: str, environ: Mapping[str, str] = {}, file: str | None = None) -> Settings:
    """The settings of a plan with these words."""
    return given_settings(flags(vars(parser().parse_args(["plan", *words.split()]))), environ, file, {})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", SAMPLES)
def test_a_flag_of_each_shape_is_read_as_its_setting_is(name: str, place: Path) -> None:
    """Yes and no, lists, numbers, tables, texts."""
    words, value = SAMPLES[name]
    assert getattr(given(f"--environment dev {words}"), name) == value


def test_a_flag_counts_most_and_the_file_least(place: Path) -> None:
    """Flag before variable before file before default."""
    (place / "settings.toml").write_text(
        'environment = "dev"\nproject = "file"\nregion = "eu-west-1"\nstorage = "local"'
    )
    environ = {"DIFY_AWS_REGION": "us-east-1", "DIFY_AWS_PROJECT": "variable"}
    settings = given("--project flag", environ)
    result = (settings.project, settings.region, settings.storage, settings.environment, settings.profile)
    assert result == ("flag", "us-east-1", "local", "dev", "compact")


def test_an_environment_can_have_a_file_of_its_own(place: Path) -> None:
    """settings/prod.toml counts for prod, and settings.toml for every other; a file that is named, for all."""
    (place / "settings").mkdir()
    (place / "settings/prod.toml").write_text("root_volume_gib = 60\n")
    (place / "settings.toml").write_text("root_volume_gib = 50\n")
    (place / "own.toml").write_text("root_volume_gib = 40\n")
    assert given("--environment prod").root_volume_gib == 60
    assert given("", {"DIFY_AWS_ENVIRONMENT": "prod"}).root_volume_gib == 60
    assert given("--environment dev").root_volume_gib == 50
    assert given("--environment prod", file="own.toml").root_volume_gib == 40


def test_the_name_of_an_environment_leads_to_no_other_folder(place: Path) -> None:
    """It comes from whoever starts a workflow."""
    (place / "settings").mkdir()
    (place / "secret.toml").write_text("what_is_in_it = 1\n")
    with pytest.raises(SettingsError) as error:
        given("--environment ../secret")
    assert [problem.field for problem in error.value.problems] == ["environment"]


def test_every_problem_says_where_it_stands(place: Path) -> None:
    """A flag, a variable and a file may each be wrong, all at once."""
    (place / "settings.toml").write_text("vpc_cdir = 1\nstorage = 7\n")
    environ = {"DIFY_AWS_REGION": "mars", "DIFY_AWS_LOG": "debug", "DIFY_AWS_NOPE": "1", "HOME": "x"}
    with pytest.raises(SettingsError) as error:
        given("--vpc-cidr 10.0.0.0/30", environ)
    result = {problem.field: problem.wrong.partition(" (in ")[2] for problem in error.value.problems}
    assert result == {
        "vpc_cidr": "--vpc-cidr)",
        "region": "DIFY_AWS_REGION)",
        "nope": "DIFY_AWS_NOPE)",
        "vpc_cdir": "settings.toml)",
        "storage": "settings.toml)",
        "environment": "",
    }


@pytest.mark.parametrize(("text", "wrong"), [(None, "cannot be read"), ("environment = dev", "is not TOML")])
def test_a_file_that_cannot_be_used_is_named(text: str | None, wrong: str, place: Path) -> None:
    """As Settings.from_file says it."""
    if text:
        (place / "mine.toml").write_text(text)
    with pytest.raises(SettingsError, match=rf"mine\.toml.*{wrong}"):
        given("", file="mine.toml")


def test_there_is_a_flag_for_each_setting_but_for_secrets() -> None:
    """Also for one that is added later; what holds secrets is never in the arguments of a process."""
    known = _help("plan").replace(",", " ").split()
    for setting in fields(Settings):
        assert (flag_of(setting.name) in known) == (setting.name not in SECRET)
    assert Shell()("plan --env SECRET_KEY=x").status == 1


def _help(verb: str) -> str:
    """The help of a command, as one line."""
    (subparsers,) = [each for each in parser()._actions if isinstance(each, argparse._SubParsersAction)]
    return " ".join(subparsers.choices[verb].format_help().split())


@pytest.mark.parametrize(
    "words", ["", "plann", "plan --regoin x", "unlock", "plan --json --markdown", "access --minutes x"]
)
def test_a_command_that_is_none_has_status_1(words: str) -> None:
    """argparse would say 2, which is `plan` for "there are changes"."""
    result = Shell()(words)
    assert result.status == 1
    assert ("UsageError" in result.out) == ("--json" in words)
    assert result.err.startswith("error: ")
    assert "usage: dify-aws" in result.err
    assert "Traceback" not in result.err


def test_every_command_tells_what_it_does() -> None:
    """In the list of all, and by itself."""
    listed = " ".join(parser().format_help().split())
    assert all(each.summary in listed and each.summary in _help(each.name) for each in commands())


def plan(*actions: Action, notes: tuple[str, ...] = ()) -> Plan:
    return Plan("dify/dev", "eu-west-1", actions, notes)


def test_a_plan_as_markdown_is_coloured_by_its_first_column() -> None:
    """GitHub colours lines that begin with +, - and ! in a block of diff; what belongs to them is set in."""
    result = markdown(
        plan(
            Action("create", "vpc/main", changes=(Change("cidr_block", None, "10.0.0.0/16"),)),
            Action("update", "alarm/cpu", "a", (Change("threshold", 99, 80),)),
            Action("delete", "subnet/old", "subnet-1"),
            Action("keep", "volume/data", "vol-1"),
            notes=("It *costs* $49\na month.",),
        )
    )
    title, block, notes = result.rstrip().split("\n\n")
    assert title == "### dify/dev in eu-west-1: 1 to create, 1 to update, 1 to delete"
    first, *lines, last = block.splitlines()
    assert (first, last) == ("```diff", "```")
    assert [line[0] for line in lines] == ["+", " ", "!", " ", "-", " "]
    assert notes == r"- It \*costs\* $49 a month."


def test_nothing_in_a_plan_ends_its_block() -> None:
    """A value may hold a fence; the block then has a longer one."""
    result = markdown(plan(Action("create", "x/y", changes=(Change("text", None, "a\n```\n# b"),))))
    assert "````diff\n" in result
    assert result.rstrip().endswith("\n````")


def test_a_result_is_plain_where_no_terminal_is() -> None:
    """Whole lines without colours for a log or a pipe; rich for a terminal; JSON for a program."""
    desired = Change("description", None, "long " * 19)
    shown = plan(Action("create", "security-group/host", changes=(desired,)))
    result = {}
    for form, tty in (("text", False), ("text", True), ("json", True)):
        terminal = Terminal(Screen(), Screen(tty=tty), Screen())
        terminal.show(shown, form)  # type: ignore[arg-type]
        assert isinstance(terminal.stdout, Screen)
        result[form, tty] = terminal.stdout.getvalue()
    assert result["text", False] == f"{shown}\n"
    assert result["text", True] not in ("", result["text", False])
    assert json.loads(result["json", True]) == shown.to_dict()


def test_a_value_without_a_table_is_shown_as_text() -> None:
    """In a terminal, too: rich would show how the object is made."""
    terminal = Terminal(Screen(), Screen(tty=True), Screen())
    status = Status(
        deployment="dify/dev",
        region="eu-west-1",
        things=3,
        instance_id="i-1",
        state="stopped",
        url=None,
        changes=None,
        refused="this cannot be applied",
        lock=None,
        open_accesses=(),
    )
    terminal.show(status)
    assert isinstance(terminal.stdout, Screen)
    assert terminal.stdout.getvalue() == f"{status}\n"
    assert "changes to make  this cannot be applied\n" in str(status)


@pytest.mark.parametrize("level", ["debug", "warning"])
def test_debug_shows_where_it_went_wrong(level: str, place: Path) -> None:
    """The block for people is the same; the traceback and the log are there for who asks for them."""
    result = Shell(environ={"DIFY_AWS_LOG": level})("plan --settings nowhere.toml")
    assert result.status == 1
    assert "error: 1 problem in the settings:\n  - file = 'nowhere.toml'" in result.err
    assert ("Traceback" in result.err) == (level == "debug")
    assert logging.getLogger("dify_aws").handlers == []


def test_a_level_that_is_none_is_reported() -> None:
    """Rather than a log that never comes."""
    result = Shell(environ={"DIFY_AWS_LOG": "all"})("plan")
    assert result.status == 1
    assert "DIFY_AWS_LOG" in result.err
    assert "debug" in result.err


def test_a_mistake_of_ours_is_no_traceback_either() -> None:
    """What nobody has thought of is told as that."""
    result = Shell(session=object())("status")
    assert result.status == 1
    assert "mistake of dify_aws" in result.err
    assert "Traceback" not in result.err
