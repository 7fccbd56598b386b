"""deploy() as a whole, in the offline world: AWS and a machine, one Dify, and what it does when something is wrong."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from dify_aws import Deployment, DifyAwsError, Settings, offline
from dify_aws.host.errors import AuthenticationRefused, HostClosed, HostKeyMismatch, InstallFailed, Unreachable
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.machine.dify import database
from dify_aws.offline.world import World
from dify_aws.operations.access.host_key import TAG_HOST_KEY, pinned_key
from dify_aws.resources.ec2.ssh_key import new_ssh_key
from dify_aws.run_interrupted import RunInterrupted
from dify_aws.runtimes.compose.https.domain import DomainElsewhere
from tests.support.inventory import WHOLE, counted, inventory

SETTINGS = Settings(environment="dev", admin_email="admin@example.com", alarm_email="a@your-company.com")

Deploy = Callable[..., Deployment]


@pytest.fixture
def world() -> Iterator[World]:
    with offline() as world:
        yield world


@pytest.fixture
def of(world: World) -> Deploy:
    """A deployment of the world's process of now."""

    def deployment(settings: Settings = SETTINGS, **overrides: Any) -> Deployment:
        return Deployment(settings.replace(**overrides) if overrides else settings, session=world.session)

    return deployment


def stored(world: World, name: str = "dify/dev/application") -> dict[str, str]:
    """What is in the secret of the application."""
    text = world.session.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    found: dict[str, str] = json.loads(text)
    return found


def ssh_rules(world: World) -> list[Mapping[str, Any]]:
    """The rules on port 22, of every group."""
    rules = world.session.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    return [rule for rule in rules if rule.get("FromPort") == 22]


def test_once_and_again(world: World, of: Deploy) -> None:
    """One call makes all of it. The next changes nothing in AWS or on the machine, and no door is left open."""
    outputs = of().deploy()
    assert outputs.url == f"http://{outputs.public_ip}"
    assert counted(inventory(world.session)) == WHOLE
    assert ssh_rules(world) == []
    before = stored(world)
    again = of()
    assert again.deploy() == outputs
    assert not again.install()
    assert not again.plan()
    assert stored(world) == before
    assert ssh_rules(world) == []


def test_secrets_are_made_once_and_the_first_admin_with_them(world: World, of: Deploy) -> None:
    """What Dify runs with is what is stored, and nobody else is admin."""
    outputs = of().deploy()
    (machine,) = world.connectivity.machines.values()
    secrets = stored(world)
    assert f'SECRET_KEY="{secrets["secret_key"]}"' in machine.files.text("/opt/dify/.env")
    assert database(machine)["admin"] == "admin@example.com"
    assert any("admin_password" in note and "dify/dev/application" in note for note in outputs.notes)


def test_ctrl_c_never_reports_as_done_what_failed_on_the_machine(world: World, of: Deploy) -> None:
    """The connection breaks because of Ctrl-C, and that error is put aside until the end, which does not come."""
    requested: list[str] = []

    def interrupt(script: str) -> None:
        requested.append(script)
        if len(requested) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        if len(requested) >= 5:
            raise HostClosed("ubuntu@203.0.113.1")

    world.connectivity.before = interrupt
    with pytest.raises(RunInterrupted) as stopped:
        of().deploy()
    done, not_done = stopped.value.done, stopped.value.not_done
    assert {"dify/base-system", "dify/docker", "dify/proof"} <= set(not_done)
    assert "instance/host" in done
    assert not set(done) & set(not_done)
    first, second, third = str(stopped.value).splitlines()
    assert first.startswith("done: ")
    assert second.startswith("not done: ")
    assert third.startswith("costs money now: ")
    assert "instance/host" in third
    assert third.endswith(" To resume, run deploy() again.")

    world.connectivity.before = lambda script: None
    of().deploy()
    assert not of().plan()


def test_install_without_apply_says_so(of: Deploy) -> None:
    """There is nothing to install on."""
    with pytest.raises(DifyAwsError, match=r"there is no dify/dev .* apply\(\) makes it"):
        of().install()


def test_a_dry_run_changes_nothing(world: World, of: Deploy) -> None:
    """Neither on the machine nor in AWS, but for the lease, which is given back; no secret is made or shown."""
    deployment = of()
    deployment.apply()
    report = deployment.install(dry_run=True)
    assert "file /opt/dify/.env" in report.named("would change")
    (machine,) = world.connectivity.machines.values()
    assert machine.files.get("/opt/dify") is None
    assert stored(world) == {}
    assert "SECRET_KEY" in str(report)
    assert ssh_rules(world) == []


def test_the_host_key_is_pinned_from_the_console(world: World, of: Deploy) -> None:
    """Before anything is sent to the machine, AWS itself has told which key it has."""
    deployment = of()
    outputs = deployment.deploy()
    pinned = pinned_key(deployment.aws, outputs.secrets["ssh-private-key"], outputs.instance_id)
    log = world.session.client("ec2").get_console_output(InstanceId=outputs.instance_id)["Output"]
    assert pinned
    assert pinned in log


def test_of_two_blocks_of_keys_in_the_console_the_last_one_counts(world: World, of: Deploy) -> None:
    """A machine that was made into an image keeps the log of the first one's keys in front of its own."""
    deployment = of()
    outputs = deployment.apply()
    log = world.session.client("ec2").get_console_output(InstanceId=outputs.instance_id)["Output"]
    block = "-----BEGIN SSH HOST KEY KEYS-----\n{key} root@first\n-----END SSH HOST KEY KEYS-----\n"
    world.consoles[outputs.instance_id] = block.format(key=OTHER) + log
    deployment.install()
    pinned = pinned_key(deployment.aws, outputs.secrets["ssh-private-key"], outputs.instance_id)
    assert pinned
    assert pinned in log
    assert OTHER not in pinned


def test_without_a_console_log_the_first_key_is_pinned(world: World, of: Deploy) -> None:
    """A machine that was made long ago tells its console nothing any more; strict from then on."""
    deployment = of()
    outputs = deployment.apply()
    world.consoles[outputs.instance_id] = "a kernel that has nothing to say"
    deployment.install()
    secret = outputs.secrets["ssh-private-key"]
    assert pinned_key(deployment.aws, secret, outputs.instance_id)


OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def test_another_host_key_is_refused_and_can_be_pinned(world: World, of: Deploy) -> None:
    """With both fingerprints and what to do; nothing is installed, and the door is closed again."""
    deployment = of()
    outputs = deployment.apply()
    right = pinned_key(deployment.aws, outputs.secrets["ssh-private-key"], outputs.instance_id)
    assert right is None
    fingerprint = deployment.pin_host_key(OTHER)
    with pytest.raises(HostKeyMismatch, match="pin_host_key") as refused:
        deployment.install()
    assert fingerprint in str(refused.value)
    assert refused.value.presented in str(refused.value)
    assert ssh_rules(world) == []
    log = world.session.client("ec2").get_console_output(InstanceId=outputs.instance_id)["Output"]
    deployment.pin_host_key(next(line for line in log.splitlines() if line.startswith("ssh-ed25519")))
    assert deployment.install()


def test_a_new_machine_is_another_one(world: World, of: Deploy) -> None:
    """The pin is that of one instance; the next one has its own, and the data volume brings its Dify along."""
    deployment = of()
    outputs = deployment.deploy()
    world.session.client("ec2").terminate_instances(InstanceIds=[outputs.instance_id])
    world.clock.advance(120)
    again = deployment.deploy()
    assert again.instance_id != outputs.instance_id
    assert again.data_volume_id == outputs.data_volume_id
    assert len(world.connectivity.machines) == 2


def test_a_wrong_key(world: World, of: Deploy) -> None:
    """The machine lets in the key that it was launched with, and no later one."""
    deployment = of()
    outputs = deployment.apply()
    private, _ = new_ssh_key()
    world.session.client("secretsmanager").put_secret_value(
        SecretId=outputs.secrets["ssh-private-key"], SecretString=private.reveal()
    )
    with pytest.raises(AuthenticationRefused, match="authorized_keys"):
        deployment.install()
    assert ssh_rules(world) == []


def test_an_address_that_is_not_let_in(world: World, of: Deploy) -> None:
    """The lease is for this machine's address; whoever comes from another one is told what to look at."""
    deployment = of()
    deployment.apply()
    world.connectivity.my_address = lambda: "198.51.100.8"  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="security group"):
        deployment.install()
    assert ssh_rules(world) == []


def test_other_secrets_than_those_of_the_data_are_refused(world: World, of: Deploy) -> None:
    """Nothing is regenerated over existing data: with another password, PostgreSQL would lock Dify out."""
    of().deploy()
    lost = json.dumps({})
    world.session.client("secretsmanager").put_secret_value(SecretId="dify/dev/application", SecretString=lost)
    (machine,) = world.connectivity.machines.values()
    before = machine.files.text("/opt/dify/.env")
    with pytest.raises(InstallFailed, match="made with other secrets"):
        of().install()
    assert machine.files.text("/opt/dify/.env") == before


def test_while_a_domain_leads_elsewhere_dify_is_served_to_nobody(world: World, of: Deploy) -> None:
    """The record to make is in the message. AWS is done, and so is all of the host that does not need the domain."""
    deployment = of(domain="dify.example.com", email="ops@your-company.com")
    with pytest.raises(DomainElsewhere, match=r"make +dify\.example\.com\. 300 IN A 203\.0\.113"):
        deployment.deploy()
    outputs = deployment.outputs()
    assert outputs.url == "https://dify.example.com"
    (machine,) = world.connectivity.machines.values()
    services = {each.service for each in machine.engine.containers.values()}
    assert "api" in services
    assert "nginx" not in services
    world.connectivity.names["dify.example.com"] = (outputs.public_ip,)
    deployment.deploy()
    assert "ssl_certificate" in machine.files.text("/opt/dify/nginx/nginx.conf")
    assert not deployment.install()


def test_through_the_tunnel_no_port_is_ever_opened(world: World, of: Deploy) -> None:
    """The same installer; there is no schedule, no role for it, and no rule but that of the endpoint's group."""
    deployment = of(ssh="tunnel")
    deployment.deploy()
    assert {call.operation for call in world.writes} >= {"CreateInstanceConnectEndpoint"}
    assert "CreateSchedule" not in {call.operation for call in world.writes}
    assert [rule.get("CidrIpv4") for rule in ssh_rules(world) if not rule["IsEgress"]] == [None]
    with pytest.raises(DifyAwsError, match="no port is ever opened"):
        deployment.access()


def test_killed_in_the_middle_port_22_is_closed_later(world: World, of: Deploy) -> None:
    """Nobody is left to close port 22, so AWS does; the next deploy goes on."""

    def kill(script: str) -> None:
        if "docker pull" in script:
            raise ProcessKilled("in the middle")

    deployment = of()
    deployment.apply()
    world.connectivity.before = kill
    with pytest.raises((ProcessKilled, InstallFailed)):
        deployment.install()
    world.restart()
    world.connectivity.before = lambda script: None
    of().deploy()
    assert not of().install()
    world.clock.advance(3700)
    assert ssh_rules(world) == []


def test_the_pin_is_no_drift(world: World, of: Deploy) -> None:
    """A tag on the secret that is not ours to plan: a plan stays empty with it."""
    deployment = of()
    deployment.deploy()
    tags = world.session.client("secretsmanager").describe_secret(SecretId="dify/dev/ssh-private-key")["Tags"]
    assert TAG_HOST_KEY in {tag["Key"] for tag in tags}
    assert not deployment.plan()
