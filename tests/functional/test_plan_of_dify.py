"""What a plan shows of Dify on the machine, which it knows by the tags of the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from dify_aws import Action, Change, Deployment, DifyAwsError, Settings
from dify_aws.change import shown
from dify_aws.host.errors import InstallFailed
from dify_aws.offline.machine.files import Entry
from dify_aws.offline.world import World
from dify_aws.runtimes.compose.fingerprint import LONGEST_TAG, PARTS, TAG, UNFINISHED, Fingerprint, Installed

SETTINGS: Final = Settings(environment="dev")


def deployment(world: World, **overrides: Any) -> Deployment:
    return Deployment(SETTINGS.replace(**overrides), session=world.session)


def dify(world: World, **overrides: Any) -> Action | None:
    """What the plan has of Dify; there is nothing else in it."""
    plan = deployment(world, **overrides).plan()
    assert {action.address for action in plan} <= {"dify"}
    assert bool(plan) == bool(plan.actions)
    return next(iter(plan), None)


def values(action: Action | None) -> dict[str, str]:
    assert action is not None
    return {change.attribute: shown(change.after) for change in action.changes}


def tags(world: World) -> dict[str, str]:
    """The tags of the machine that speak of Dify."""
    ec2: Any = world.session.client("ec2")
    found = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    (machine,) = (each for reservation in found["Reservations"] for each in reservation["Instances"])
    return {tag["Key"]: tag["Value"] for tag in machine["Tags"] if tag["Key"].startswith(TAG)}


def set_tag(world: World, name: str, value: str) -> None:
    ec2: Any = world.session.client("ec2")
    (machine,) = ec2.describe_instances()["Reservations"][0]["Instances"]
    ec2.create_tags(Resources=[machine["InstanceId"]], Tags=[{"Key": name, "Value": value}])


@pytest.fixture
def installed(world: World) -> World:
    deployment(world).deploy()
    return world


def test_after_apply_alone_dify_is_still_to_be_installed(world: World) -> None:
    deployment(world).apply()
    action = dify(world)
    assert action is not None
    assert action.verb == "create"
    assert values(action)["release"] == SETTINGS.dify_version
    assert "plugin_daemon" in values(action)["containers"]


def test_after_deploy_there_is_nothing_to_do_and_a_second_one_writes_no_tag(installed: World) -> None:
    assert dify(installed) is None
    before = tags(installed)
    installed.forget_calls()
    deployment(installed).deploy()
    assert "ec2.CreateTags" not in {str(call) for call in installed.writes}
    assert tags(installed) == before


def test_plan_reads_nothing_more_for_it(installed: World) -> None:
    counts = list[int]()
    plans: tuple[Callable[[Deployment], object], ...] = (lambda of: of.stack.plan(of.aws), Deployment.plan)
    for plan in plans:
        installed.forget_calls()
        plan(deployment(installed))
        counts.append(len(installed.calls))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (
            {"env": {"UPLOAD_FILE_SIZE_LIMIT": "50"}},
            {"variables": "UPLOAD_FILE_SIZE_LIMIT", "containers to be replaced": "api", "stages": "dify"},
        ),
        (
            {"domain": "dify.example.com", "email": "a@your-company.com"},
            {"variables": "CONSOLE_API_URL", "files": "nginx.conf", "stages": "certificate"},
        ),
        ({"dify_version": "1.17.4"}, {"release": "1.17.4", "stages": "migration", "containers to be replaced": "web"}),
        ({"sandbox_timeout_seconds": 40}, {"files": "sandbox/config.yaml", "containers to be replaced": "sandbox"}),
        ({"images": {"web": "registry.example.com/web:1"}}, {"stages": "images", "containers to be replaced": "web"}),
    ],
)
def test_a_changed_setting_shows_what_it_changes(
    installed: World, overrides: dict[str, Any], expected: dict[str, str]
) -> None:
    """Nothing is shown twice: with the old settings, the same machine has nothing to do."""
    action = dify(installed, **overrides)
    assert action is not None
    assert action.verb == "update"
    shows = values(action)
    assert {name: text for name, text in expected.items() if text not in shows.get(name, "")} == {}
    assert "Dify is not available for" in shows or overrides.keys() == {"sandbox_timeout_seconds"}
    assert dify(installed) is None


def test_a_removed_variable_is_counted(world: World) -> None:
    deployment(world, env={"LOG_TZ": "Asia/Tokyo", "MAIL_TYPE": "smtp", "SMTP_SERVER": "smtp.example.com"}).deploy()
    shows = values(dify(world))
    assert "removed" in shows["variables"]
    assert "LOG_TZ" in shows["variables"]


def test_no_secret_takes_part(world: World) -> None:
    """A new value of what looks like a secret changes no tag, and the tags do not depend on the generated secrets."""
    settings = {"MAIL_TYPE": "smtp", "SMTP_SERVER": "smtp.example.com", "SMTP_PASSWORD": "correct horse"}
    deployment(world, env=settings).deploy()
    before = tags(world)
    assert dify(world, env={**settings, "SMTP_PASSWORD": "battery staple"}) is None
    deployment(world, env={**settings, "SMTP_PASSWORD": "battery staple"}).deploy()
    assert tags(world) == before


def test_tags_are_few_and_fit(world: World) -> None:
    """Also of the largest of Dify: AWS takes 50 tags on a thing, of 256 characters."""
    of = deployment(
        world, profile="full", instance_type="t3.xlarge", domain="dify.example.com", email="a@your-company.com"
    )
    of.apply()
    found = Fingerprint.of(of.settings, of.outputs()).tags()
    assert len(found) <= 12
    assert max(map(len, found.values())) <= LONGEST_TAG
    read = Installed.read(found)
    assert read is not None
    assert all(read.digests[part] for part in PARTS)


@pytest.mark.parametrize("lost", [TAG, f"{TAG}-files-1"])
def test_a_tag_that_somebody_deleted_or_wrote_is_a_change_and_is_repaired(installed: World, lost: str) -> None:
    before = tags(installed)
    set_tag(installed, lost, "")
    assert dify(installed) is not None
    deployment(installed).deploy()
    assert tags(installed) == before


def test_a_failed_installation_is_a_change_until_it_is_finished(installed: World) -> None:
    """Whatever the settings say: the tags say so from the first change on the machine."""
    changed = {"env": {"UPLOAD_FILE_SIZE_LIMIT": "50"}}

    def cut(script: str) -> None:
        if "up --detach" in script:
            raise OSError("the machine is cut off")

    installed.connectivity.before = cut
    with pytest.raises(InstallFailed):
        deployment(installed, **changed).deploy()
    installed.connectivity.before = lambda script: None
    assert tags(installed)[TAG] == f"{UNFINISHED} {SETTINGS.dify_version}"
    for overrides in ({}, changed):
        action = dify(installed, **overrides)
        assert action is not None
        assert Change("last installation", "not finished", "finished") in action.changes
    deployment(installed, **changed).deploy()
    assert dify(installed, **changed) is None


def test_a_new_machine_has_nothing_on_it(installed: World) -> None:
    of = deployment(installed)
    ec2: Any = installed.session.client("ec2")
    ec2.terminate_instances(InstanceIds=[of.outputs().instance_id])
    installed.clock.advance(120)
    plan = deployment(installed).plan()
    assert [(action.verb, action.address) for action in plan if action.address in ("instance/host", "dify")] == [
        ("create", "instance/host"),
        ("create", "dify"),
    ]
    deployment(installed).deploy()
    assert dify(installed) is None


def test_a_plan_of_the_host_finds_what_was_changed_on_it_by_hand(installed: World) -> None:
    """The tags cannot know of it. Nothing is changed by the look, and the lease is given back."""
    (machine,) = installed.connectivity.machines.values()
    machine.files.put("/opt/dify/nginx/nginx.conf", Entry("file", b"by hand", 0o644))
    assert dify(installed) is None
    plan = deployment(installed).plan(host=True)
    (action,) = plan
    assert (action.verb, action.address) == ("update", "dify")
    assert "file /opt/dify/nginx/nginx.conf" in values(action)
    assert machine.files.text("/opt/dify/nginx/nginx.conf") == "by hand"
    ec2: Any = installed.session.client("ec2")
    assert not [
        each for each in ec2.describe_security_group_rules()["SecurityGroupRules"] if each.get("FromPort") == 22
    ]
    deployment(installed).deploy()
    assert not deployment(installed).plan(host=True)


def test_a_plan_of_a_host_that_is_not_there_says_so(world: World) -> None:
    with pytest.raises(DifyAwsError, match="there is no dify/dev"):
        deployment(world).plan(host=True)
