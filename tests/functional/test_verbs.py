"""The table of verbs: what changes something is locked and recorded, and has a command, help, permissions and docs.

A new verb is one file and one line: the exercise at the end adds one and changes nothing else.
"""

from __future__ import annotations

import inspect
import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dify_aws import AlreadyLocked, Deployment, Foundation, Settings, permissions
from dify_aws.cli.commands import commands
from dify_aws.cli.parser import parser
from dify_aws.deployment import VERBS
from dify_aws.host.errors import InstallFailed
from dify_aws.iam_policies.grants import EC2, OURS, Grant
from dify_aws.offline.world import World
from dify_aws.operations.lock.lock import Lock
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun, recorded_run
from dify_aws.operations.run.verb import changing_verb, verb_of, verbs_of
from dify_aws.resources.ec2.ssh_key import new_ssh_key
from tests.support.iam_policy import Policies, Request
from tests.support.shell import Shell

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
EMAIL = "admin@your-company.com"
SETTINGS = Settings(environment="dev", nat_gateway=False, admin_email=EMAIL)
OPERANDS = {"unlock": "0123", "adopt": "vpc/main vpc-1", "adopt --plan": "vpc/main vpc-1", "pin-host-key": "key"}


@pytest.fixture
def foundation(world: World) -> World:
    """An account with a state bucket."""
    Foundation(session=world.session, trail=False, block_public_access=False).apply()
    return world


def test_every_public_method_of_a_deployment_is_a_verb() -> None:
    """Nothing changes a deployment past the table; load() makes a deployment and has none yet."""
    methods = {name for name in dir(Deployment) if not name.startswith("_") and callable(getattr(Deployment, name))}
    assert methods == {verb.name for verb in VERBS} | {"load"}


def test_a_verb_has_a_real_signature_and_a_docstring_with_its_arguments() -> None:
    """As an editor and help() show it: nothing of the lock is in it."""
    for verb in VERBS:
        method = getattr(Deployment, verb.name)
        parameters = list(inspect.signature(method).parameters)
        assert parameters[0] == "deployment"
        assert "run" not in parameters
        text = inspect.getdoc(method) or ""
        assert [name for name in parameters[1:] if f"    {name}: " not in text] == [], verb.name
        assert ("Returns:" in text, method.__name__) == (True, verb.name)
    assert str(inspect.signature(Deployment(SETTINGS).adopt)).startswith("(address: 'str', id: 'str', plan:")


def test_every_verb_has_a_command_with_json() -> None:
    """Of its own, or as a form of another one; what takes the lock also has --wait."""
    for verb in VERBS:
        typed = f"{verb.command} {OPERANDS.get(verb.command, '')} --environment dev --json"
        options = vars(parser().parse_args(typed.split()))
        assert (options["form"], options["command"].name) == ("json", verb.command.partition(" ")[0])
        assert ("wait" in options) == (verb.effect == "changes" or verb.command == "adopt --plan"), verb.name
    assert len({command.name for command in commands()}) == len(commands())


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.effect != "changes"], ids=lambda verb: verb.name)
def test_only_verbs_that_change_the_deployment_have_the_permissions_of_the_lock(verb: Any) -> None:
    """A reader needs no right to write a lock; unlock() is for the lock itself."""
    assert ("dynamodb:PutItem" in verb.actions) == (verb.name == "unlock")


CHANGES: dict[str, Callable[[World, Deployment], object]] = {
    "apply": lambda world, of: of.apply(),
    "deploy": lambda world, of: of.deploy(),
    "install": lambda world, of: _damaged(world, of).install(),
    "adopt": lambda world, of: of.adopt("log-group/nginx", _log_group(world, of)),
    "reset-admin-password": lambda world, of: of.reset_admin_password(),
    "pin_host_key": lambda world, of: of.pin_host_key(new_ssh_key()[1]),
    "destroy": lambda world, of: of.destroy(),
}
"""Each verb with something to do, by its name in a record."""


def _damaged(world: World, of: Deployment) -> Deployment:
    """A file of the machine was deleted by hand."""
    (machine,) = world.connectivity.machines.values()
    machine.files.remove("/opt/dify/.env")
    return of


def _log_group(world: World, of: Deployment) -> str:
    """A log group of somebody else under one of our names."""
    logs = world.session.client("logs")
    logs.delete_log_group(logGroupName="/dify/dev/nginx")
    logs.create_log_group(logGroupName="/dify/dev/nginx")
    return "/dify/dev/nginx"


def test_every_change_is_recorded_under_the_lock(foundation: World) -> None:
    """The record of the next run comes after it, whoever has the lock then."""
    assert {verb.name for verb in VERBS if verb.effect == "changes"} == {name.replace("-", "_") for name in CHANGES}
    of = Deployment(SETTINGS, session=foundation.session)
    of.deploy()
    for name, change in CHANGES.items():
        if name in ("apply", "deploy"):
            foundation.session.client("cloudwatch").delete_alarms(AlarmNames=["dify--dev--cpu"])
        foundation.forget_calls()
        change(foundation, of)
        calls = [call.operation for call in foundation.writes if call.service in ("s3", "dynamodb")]
        assert calls[-2:] == ["PutObject", "UpdateItem"], f"{name}: the record, and then the release of the lock"
        assert of.history()[0].verb == name


def test_a_failed_installation_is_recorded(foundation: World) -> None:
    """With the steps that were done before: the next run does not do them again. Here a registry refuses the login."""

    def guard(script: str) -> None:
        for machine in foundation.connectivity.machines.values():
            machine.engine.logins["registry.example.com"] = "robot:right"

    foundation.connectivity.before = guard
    login = json.dumps({"username": "robot", "password": "wrong"})
    foundation.session.client("secretsmanager").create_secret(Name="dify/dev/registry", SecretString=login)
    settings = SETTINGS.replace(image_registry="registry.example.com/mirror", registry_secret="dify/dev/registry")
    of = Deployment(settings, session=foundation.session)
    of.apply()
    with pytest.raises(InstallFailed) as failed:
        of.install()
    record = of.history()[0]
    done = [f"machine: {step}" for step in failed.value.report.named("done")]
    assert record.verb == "install (failed)"
    assert [each["address"] for each in record.changes] == done != []


def test_a_verb_that_forgets_the_lock_fails(foundation: World) -> None:
    """Before anything is noted, and so before anything is recorded."""
    of = Deployment(SETTINGS, session=foundation.session)
    with pytest.raises(RuntimeError, match="without its lock"), recorded_run(of, "forgetful") as run:
        run.note([{"verb": "update", "address": "vpc/main"}])
    assert of.history() == ()


# The exercise: a verb in one file, and one line that makes it a method. Here the file is this class body's function.


def _reboot_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the history")


@changing_verb(
    "reboot the machine",
    grants=(Grant("RebootOurs", "ec2:RebootInstances", (f"{EC2}instance/*",), OURS),),
    arguments=_reboot_arguments,
)
def reboot(deployment: DeploymentContext, run: RecordedRun, *, reason: str = "") -> str:
    """Reboot the machine.

    Args:
        reason: why, for the history.

    Returns:
        The id of the instance.
    """
    with run:
        instance = deployment.stack.find(deployment.aws)["instance/host"]
        assert instance is not None
        run.note([{"verb": "update", "address": "instance/host", "reason": reason}])
        deployment.aws.call("ec2.RebootInstances", InstanceIds=[instance.id])
    return instance.id


class WithReboot(Deployment):
    """A deployment with one more verb."""

    reboot = reboot  # the one line


def test_a_new_verb_is_one_file_and_one_line(foundation: World) -> None:
    """Lock, record, command with help and --json, permissions: nothing else was written for it."""
    of = WithReboot(SETTINGS, session=foundation.session, wait=0)
    id = of.apply().instance_id
    assert of.reboot(reason="kernel") == id
    assert [(each.verb, each.changes[0]["reason"]) for each in of.history()[:1]] == [("reboot", "kernel")]
    with Lock(of.aws, "deploy"), pytest.raises(AlreadyLocked):
        of.reboot()

    shell = Shell(foundation.session, deployment=WithReboot)
    ran = shell("reboot --no-nat-gateway --reason patch --yes --json --wait 5")
    assert (ran.status, json.loads(ran.out)) == (0, id)
    assert of.history()[0].changes[0]["reason"] == "patch"
    assert Shell(foundation.session)("reboot").status == 1
    listed = " ".join(parser(commands(verbs_of(WithReboot))).format_help().split())
    assert "reboot the machine" in listed

    arn = f"arn:aws:ec2:ap-northeast-1:{ACCOUNT}:instance/{id}"
    request = Request("ec2:RebootInstances", arn, {"aws:ResourceTag/dify-aws:deployment": ("dify/dev",)})
    with_it = permissions(SETTINGS, ACCOUNT, verbs=verbs_of(WithReboot))
    assert Policies(with_it.deployer).allow(request)
    for other in (with_it.reader, with_it.operator, with_it.github, permissions(SETTINGS, ACCOUNT).deployer):
        assert not Policies(other).allow(request)


def test_the_table_follows_the_class() -> None:
    """Inherited verbs first, in the order of the help."""
    assert verbs_of(WithReboot) == (*VERBS, verb_of(reboot))


def rows() -> Iterator[str]:
    """The commands in the table of docs/command-line.md."""
    for line in (ROOT / "docs/command-line.md").read_text().splitlines():
        if line.startswith("| `"):
            yield line.split("`")[1].partition(" ")[0]


def test_every_verb_is_documented() -> None:
    """The table of the page is made by docs/tables.py; tests/examples holds it equal to the code."""
    documented = set(rows())
    assert {verb.command.partition(" ")[0] for verb in VERBS} <= documented
