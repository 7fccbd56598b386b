"""diagnose(): what it sees of a deployment that is well, of each trouble, and when it cannot look."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from dify_aws import Deployment, Outputs, Settings
from dify_aws.aws.actions import action_of
from dify_aws.engine.resource import kinds
from dify_aws.offline.machine.certificates import issue, today
from dify_aws.offline.machine.machine import Machine
from dify_aws.offline.world import World
from dify_aws.operations.diagnosis.diagnose import PERMISSIONS
from dify_aws.operations.diagnosis.diagnosis import Diagnosis, Finding

DOMAIN: Final = "dify.example.com"
SETTINGS: Final = Settings(
    environment="dev", admin_email="admin@example.com", domain=DOMAIN, email="ops@your-company.com", nat_gateway=False
)
OTHER_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def deployment(world: World, settings: Settings = SETTINGS) -> Deployment:
    return Deployment(settings, session=world.session)


def look(of: Deployment, *, open_access: bool = False) -> Diagnosis:
    return of.diagnose(open_access=open_access)


def deployed(world: World) -> Deployment:
    """All of it, with HTTPS."""
    made = deployment(world)
    world.connectivity.names[DOMAIN] = (made.apply().public_ip,)
    made.install()
    return made


def secrets(world: World) -> set[str]:
    """Every secret text of the deployment."""
    client = world.session.client("secretsmanager")
    found = {name: client.get_secret_value(SecretId=f"dify/dev/{name}") for name in ("application", "ssh-private-key")}
    key: str = found["ssh-private-key"]["SecretString"]
    return {*json.loads(found["application"]["SecretString"]).values(), *key.splitlines()[1:-1]}


def test_what_is_healthy_is_reported_so_and_nothing_is_changed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in AWS nor on the machine, which is looked at only where a way to it exists, or with leave to open one.

    And the log of all that, with every command and its result, holds no secret.
    """
    caplog.set_level(logging.DEBUG, "dify_aws")
    of = deployed(world)
    commands: list[str] = []
    world.connectivity.before = commands.append
    world.forget_calls()
    output = look(of)
    assert (world.writes, commands) == ([], [])
    assert not output
    # An alarm that is new has seen nothing, and no backup is set up.
    assert set(output.named("warning")) == {"alarm cpu", "alarm disk", "alarm postgres", "backups"}
    assert output.named("unknown") == ("machine",)
    assert "port 22 is not open to this machine" in output["machine"].evidence
    calls = {action_of(str(call)) for call in world.calls}
    assert calls <= PERMISSIONS.union(*(each.permissions for each in kinds().values()))

    with of.access():
        world.forget_calls()
        inside = look(of)
        assert (world.writes, commands) == ([], [])
    assert "is let in until" in inside["SSH rule"].evidence
    assert inside.named("unknown", "wrong") == ()
    on_the_machine = {finding.subject for finding in inside} - {finding.subject for finding in output}
    assert on_the_machine == {
        *("disk /", "disk /data", "memory", "swap", "load", "time", "containers", "certificate"),
        *("port 22", "docker.service", "amazon-cloudwatch-agent.service"),
    }

    world.forget_calls()
    assert look(of, open_access=True).findings[-len(on_the_machine) :] == inside.findings[-len(on_the_machine) :]
    assert {call.operation for call in world.writes} == {
        *("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "CreateSchedule", "DeleteSchedule"),
    }
    assert commands == []
    logged = caplog.text
    assert "docker compose" in logged
    assert "stdout" in logged
    assert not [secret for secret in secrets(world) if secret in logged]


@dataclass(frozen=True)
class Place:
    """Where something goes wrong."""

    world: World
    of: Deployment
    outputs: Outputs
    machine: Machine

    def client(self, service: str) -> Any:
        return self.world.session.client(service)  # type: ignore[call-overload]  # any service


Trouble = Callable[[Place], object]


def _open_to_all(place: Place) -> None:
    group = place.outputs.security_groups["host"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    place.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def _another_leased(place: Place) -> None:
    place.of.access("203.0.113.77", minutes=5, owner="somebody")


def _another_key(place: Place) -> None:
    ec2 = place.client("ec2")
    pair = ec2.describe_key_pairs(KeyNames=["dify--dev--host"])["KeyPairs"][0]
    ec2.delete_key_pair(KeyName="dify--dev--host")
    tags = [{"ResourceType": "key-pair", "Tags": pair["Tags"]}]
    ec2.import_key_pair(KeyName="dify--dev--host", PublicKeyMaterial=OTHER_KEY.encode(), TagSpecifications=tags)


def _alarm(place: Place) -> None:
    place.client("cloudwatch").set_alarm_state(AlarmName="dify--dev--cpu", StateValue="ALARM", StateReason="busy")


def _stale_backup(place: Place) -> None:
    place.client("s3").put_object(Bucket=place.outputs.bucket, Key="backups/one", Body=b"")
    place.world.clock.advance(3 * 86400)


def _expiring(place: Place) -> None:
    issue(place.machine, DOMAIN, today(place.machine) + timedelta(days=5.5))


def _ends(place: Place) -> None:
    place.machine.engine.ails["worker"] = "ends"


def _stop(place: Place) -> None:
    place.machine.units.records["docker.service"].active = "failed"


def _full(place: Place) -> None:
    (disk,) = place.machine.disks.attached.values()
    disk.used = disk.file_system - (1 << 30)


def _swapping(place: Place) -> None:
    place.machine.strain.swapped_mib = 3000
    place.machine.strain.available_mib = 100


def _silent(place: Place) -> None:
    place.machine.units.records["amazon-cloudwatch-agent.service"].active = "inactive"
    place.world.clock.advance(1200)


def _no_ssh(place: Place) -> None:
    del place.machine.system.listening[22]


def _astray(place: Place) -> None:
    place.machine.system.astray = 900.0


def _nowhere(place: Place) -> None:
    place.world.connectivity.names.clear()


ROUNDS: Final[Sequence[tuple[Sequence[Trouble], Mapping[str, tuple[str, str]]]]] = (
    (
        (_stale_backup, _another_leased),
        {
            "! backups": ("backups/one, 3 days", "look at what makes them"),
            "! SSH rule": ("by somebody), and not to this machine", "access()"),
        },
    ),
    (
        (_open_to_all, _nowhere, _alarm, _expiring, _ends, _full, _swapping, _astray),
        {
            "✗ SSH rule": ("port 22 is open to everybody", "apply() takes away"),
            "! drift": ("update security-group/host (ingress)", "plan() shows"),
            "✗ DNS": ("leads nowhere", "300 IN A"),
            "✗ alarm cpu": ("over 80 % busy", "See to that"),
            "! certificate": ("5 days are left", "install() gets one"),
            "✗ container worker": ("its log ends with:\nworker: ends", "install() brings it up"),
            "✗ disk /data": ("1.0 of 50.0 GiB left", "data_volume_gib"),
            "! disk in CloudWatch": ("98 % used", "data_volume_gib"),
            "! swap": ("3000 MiB of 4096 MiB used", "instance_type"),
            "! memory": ("100 MiB of 3903 MiB available", "instance_type"),
            "✗ time": ("ahead of AWS's", "timedatectl"),
        },
    ),
    (
        (_silent, _stop),
        {
            "✗ agent": ("told CloudWatch nothing in the last 15 minutes", "install() starts it"),
            "✗ amazon-cloudwatch-agent.service": ("is inactive", "install() starts it"),
            "✗ docker.service": ("is failed", "install() starts it"),
            "✗ port 443": ("Connection refused", "nginx is not up"),
        },
    ),
    (
        (_another_key,),
        {
            "✗ SSH key": ("the secret is ssh-ed25519 SHA256:", "apply() imports the right one"),
            "? machine": ("AuthenticationRefused", ""),
        },
    ),
    (
        (_no_ssh,),
        {"✗ port 22": ("does not answer, and this machine is let in: [Errno 111]", "network ACLs")},
    ),
)
"""What goes wrong together, one round after the other in one world, and the lines that tell of it."""


def test_each_fault_is_reported_with_evidence_and_a_remedy(world: World) -> None:
    """One thing after the other breaks, and with it the line that speaks of it, which was another one before."""
    of = deployed(world)
    place = Place(world, of, of.outputs(), next(iter(world.connectivity.machines.values())))
    result = look(of, open_access=True)
    assert not result
    for troubles, lines in ROUNDS:
        before = str(result)
        for trouble in troubles:
            trouble(place)
        result = look(of, open_access=True)
        for line, (evidence, remedy) in lines.items():
            finding = result[line[2:]]
            assert str(finding).startswith(line)
            assert evidence in finding.evidence
            assert remedy in finding.remedy
            assert str(finding) not in before
    assert result


def test_diagnose_pins_nothing_and_a_tunnel_needs_no_open_port(world: World) -> None:
    """A machine that was never met is not looked at, for that would be a change; then it is, and nothing is written."""
    of = deployment(world, Settings(environment="dev", nat_gateway=False, ssh="tunnel"))
    outputs = of.apply()
    world.forget_calls()
    assert "its host key is not pinned yet" in look(of)["machine"].evidence
    assert world.writes == []
    log = world.session.client("ec2").get_console_output(InstanceId=outputs.instance_id)["Output"]
    of.pin_host_key(next(line for line in log.splitlines() if line.startswith("ssh-ed25519")))
    world.forget_calls()
    result = look(of)
    assert world.writes == []
    assert result["tunnel"].condition == "ok"
    assert result["disk /data"].evidence == "the data volume is not mounted"
    assert result["port 80"].evidence.endswith("Connection refused")


def test_a_check_that_cannot_be_made_is_a_line_and_keeps_none_from_being_reported(world: World) -> None:
    """AWS refuses one question after the other; the rest is told all the same."""
    of = deployment(world)
    of.apply()
    whole = {finding.subject for finding in look(of)}
    requested = {
        "DescribeInstanceStatus": "instance",
        "DescribeInstanceTypeOfferings": "instance type",
        "GetMetricData": "agent",
        "ListObjectsV2": "backups",
        "GetAWSDefaultServiceQuota": "quota EC2-VPC Elastic IPs",
    }
    for operation in requested:
        world.faults.refuse(operation, "AccessDenied", times=100)
    result = look(of)
    lines = [finding for finding in result if finding.condition == "unknown" and "AccessDenied" in finding.evidence]
    assert {finding.subject for finding in lines} >= set(requested.values())
    assert whole - {finding.subject for finding in result} <= {"status checks"}


def test_where_nothing_is_there_that_is_one_line(world: World) -> None:
    """With what makes it; whoever reads it as a program has a finding."""
    result = look(deployment(world))
    assert result
    assert str(result) == "dify/dev in ap-northeast-1: there is none. deploy() makes it."
    assert [(finding.subject, finding.condition) for finding in result] == [("deployment", "wrong")]


def test_where_only_data_is_left_the_rest_is_checked(world: World) -> None:
    """That is no deployment of nothing."""
    of = deployment(world)
    of.apply()
    of.destroy()
    result = look(of)
    assert result["drift"].condition == "wrong"
    assert result["instance"].evidence.startswith("there is none")
    assert result["machine"] == Finding("machine", "unknown", "there is no instance/host yet", "deploy() makes it.")
    assert {finding.subject for finding in result} >= {"agent", "backups", "lock"}
