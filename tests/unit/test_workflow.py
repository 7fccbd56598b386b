"""The workflow for GitHub Actions: who may do what in it, what it runs, and that nothing in it runs an input."""

from __future__ import annotations

import re
import subprocess
from typing import Any, Final

import pytest
import yaml

from dify_aws import Settings, github_workflow
from dify_aws.cli.parser import parser
from dify_aws.deployment import VERBS
from dify_aws.operations.workflow import ENVIRONMENTS
from dify_aws.permissions import WORKFLOW_VERBS

SETTINGS: Final = Settings(environment="dev", vpc_cidr="10.7.0.0/16", region="eu-west-1", project="mine")


def loaded(settings: Settings = SETTINGS, **other: Any) -> dict[str, Any]:
    """What GitHub reads. (YAML 1.1 takes ``on`` for true; GitHub does not.)"""
    read: dict[Any, Any] = yaml.safe_load(github_workflow(settings, requirement="dify-aws==0.1.0", **other))
    return {("on" if key is True else key): value for key, value in read.items()}


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    (job,) = workflow["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def test_it_is_started_by_hand_with_these_inputs() -> None:
    """By nothing else; whoever changes nothing only looks."""
    requested = loaded()["on"]
    assert requested.keys() == {"workflow_dispatch"}
    inputs = requested["workflow_dispatch"]["inputs"]
    assert {name: each["default"] for name, each in inputs.items()} == {
        "action": "plan",
        "environment_name": "dev",
        "vpc_cidr": "10.7.0.0/16",
        "aws_region": "eu-west-1",
    }
    assert inputs["action"]["options"] == ["plan", "deploy", "destroy"]
    assert inputs["environment_name"]["options"] == ["dev", "staging", "prod"]


def test_an_environment_of_ones_own_can_be_chosen() -> None:
    """The choice holds the environment of the settings, once."""
    options = loaded(Settings(environment="lab"), environments=("lab", "live"))["on"]["workflow_dispatch"]["inputs"]
    assert options["environment_name"]["options"] == ["lab", "live"]
    assert options["environment_name"]["default"] == "lab"
    other = loaded(Settings(environment="lab"))["on"]["workflow_dispatch"]["inputs"]
    assert other["environment_name"]["options"] == [*ENVIRONMENTS, "lab"]


def test_it_may_read_the_code_and_ask_for_a_token() -> None:
    """And nothing else in GitHub."""
    workflow = loaded()
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    (checkout,) = [step for step in steps(workflow) if "actions/checkout" in step.get("uses", "")]
    assert checkout["with"] == {"persist-credentials": False}


def test_every_action_is_pinned_by_commit_and_says_its_version() -> None:
    """A tag can be moved to other code."""
    used = re.findall(r"uses: (.*)", github_workflow(SETTINGS, requirement="x==1"))
    assert len(used) == 3
    assert all(re.fullmatch(r"[a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used)


def test_one_run_at_a_time_for_each_environment() -> None:
    """The second waits, rather than cut the first off."""
    assert loaded()["concurrency"] == {
        "group": "dify-aws-${{ inputs.environment_name }}",
        "cancel-in-progress": False,
    }


def test_the_role_is_taken_with_a_token_after_all_is_installed() -> None:
    """No key of AWS is kept in GitHub, and nothing that is installed meets credentials."""
    names = [step["name"] for step in steps(loaded())]
    (role,) = [step for step in steps(loaded()) if "configure-aws-credentials" in step.get("uses", "")]
    assert role["with"]["role-to-assume"] == "${{ vars.AWS_ROLE_ARN || secrets.AWS_ROLE_ARN }}"
    # Of that environment: its token names it, and no other role of ours believes one like it.
    (job,) = loaded()["jobs"].values()
    assert job["environment"] == job["env"]["DIFY_AWS_ENVIRONMENT"] == "${{ inputs.environment_name }}"
    assert names.index("Install dify_aws") < names.index(role["name"]) < names.index("Plan")
    assert "AWS_SECRET_ACCESS_KEY" not in github_workflow(SETTINGS, requirement="x==1")


def test_no_script_holds_an_expression() -> None:
    """An input in a script would be code: whoever may start the workflow could run anything. Variables are data."""
    scripts = [step["run"] for step in steps(loaded()) if "run" in step]
    assert len(scripts) > 4
    assert not [script for script in scripts if "${{" in script]


def test_its_commands_are_commands() -> None:
    """With these words, as the command line of this version takes them."""
    result = "\n".join(step["run"] for step in steps(loaded()) if "run" in step)
    words = [found.split() for found in re.findall(r"python -m dify_aws ([a-z -]+[a-z])", result)]
    assert [each[0] for each in words] == ["plan", "deploy", "plan", "destroy", "access"]
    for each in words:
        assert parser().parse_args(each).command.name == each[0]
    # The role of GitHub has the permissions of these, and of no others.
    permitted = {verb.command.partition(" ")[0] for verb in VERBS if verb.name in WORKFLOW_VERBS}
    assert permitted == {each[0] for each in words}


@pytest.mark.parametrize(("status", "ends"), [(0, 0), (1, 1), (2, 0)])
def test_that_there_are_changes_is_no_failure(status: int, ends: int, tmp_path: Any) -> None:
    """`plan` has status 2 then. The script is run as GitHub runs it, with a python that has just this status."""
    (tmp_path / "python").write_text(f"#!/bin/sh\necho the plan\nexit {status}\n")
    (tmp_path / "python").chmod(0o755)
    (script,) = [step["run"] for step in steps(loaded()) if step["name"] == "Plan"]
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "GITHUB_STEP_SUMMARY": f"{tmp_path}/summary"}
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    ran = subprocess.run(bash, env=environ, capture_output=True, text=True)
    assert ran.returncode == ends
    assert ran.stdout == (tmp_path / "summary").read_text() == "the plan\n"


def test_the_access_is_closed_whatever_happened() -> None:
    """As the last step, after a failure, a timeout and a cancelled run as well; and its turn always comes."""
    workflow = loaded()
    (job,) = workflow["jobs"].values()
    last = steps(workflow)[-1]
    assert last["if"].startswith("always()")
    assert last["run"] == "python -m dify_aws access --close"
    at_most = [step["timeout-minutes"] for step in steps(workflow) if "destroy" not in step["name"].lower()]
    assert sum(at_most) <= job["timeout-minutes"] < 60


@pytest.mark.parametrize("action", ["plan", "deploy", "destroy"])
def test_only_what_was_requested_is_run(action: str) -> None:
    """A plan is all that `plan` runs; `destroy` shows its own plan and deploys nothing."""
    expected = {"plan": ["Plan"], "deploy": ["Plan", "Deploy"], "destroy": ["Plan to destroy", "Destroy"]}[action]
    conditions = {step["name"]: step["if"] for step in steps(loaded()) if step.get("if", "").startswith("inputs.")}
    ran = []
    for name, condition in conditions.items():
        _, sign, wanted = condition.split()
        if (action == wanted.strip("'")) == (sign == "=="):
            ran.append(name)
    assert ran == expected


def test_secret_settings_are_taken_from_a_secret() -> None:
    """What is in ``env`` is never written into the file; without any, nothing is asked for."""
    settings = SETTINGS.replace(env={"SENTRY_DSN": "https://hidden.example.com"})
    text = github_workflow(settings, requirement="x==1")
    assert "hidden" not in text
    assert text.count("DIFY_AWS_ENV: ${{ secrets.DIFY_AWS_ENV }}") == 2
    assert "DIFY_AWS_ENV:" not in github_workflow(SETTINGS, requirement="x==1")


def test_it_installs_this_version_unless_another_is_named() -> None:
    """An exact one: a newer one comes by making the workflow anew, where it is seen."""
    assert re.search(r'REQUIREMENT: "dify-aws\[tunnel\]==\d+\.\d+\.\d+', github_workflow(SETTINGS))
    assert 'REQUIREMENT: "other==1"' in github_workflow(SETTINGS, requirement="other==1")
