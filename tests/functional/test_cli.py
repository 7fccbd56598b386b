"""The command line over the offline world: what each command does, tells and ends with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dify_aws import Aws, Deployment, Lease, Role, Rule, ScheduleGroup, SecurityGroup, Settings, Stack, Vpc
from dify_aws.host.ssh.host_key import host_keys
from dify_aws.offline.world import World
from dify_aws.operations.access.client_identity import this_run
from dify_aws.operations.access.close import close_access
from dify_aws.operations.access.ingress_rule import SshPort
from dify_aws.operations.access.lease import single
from dify_aws.operations.lock.lock import Lock
from dify_aws.resources.ec2.ssh_key import new_ssh_key
from dify_aws.topologies.role_policies import closing_policy
from tests.support.dify_checkout import checkout_of
from tests.support.shell import Shell
from tests.support.statements import statements

SETTINGS = Settings(environment="dev")


@pytest.fixture
def shell(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """In an empty folder, with an empty account."""
    monkeypatch.chdir(tmp_path)
    return Shell(world.session)


def writes(world: World) -> list[str]:
    """What has changed anything since this was last asked."""
    result = [str(call) for call in world.writes]
    world.forget_calls()
    return result


def test_a_deployment_from_its_first_plan_to_its_end(shell: Shell, world: World) -> None:
    """One command after the other, as somebody gives them who begins."""
    assert shell("status").out == "there is no dify/dev in ap-northeast-1\n"
    assert shell("diagnose").status == 1

    planned = shell("plan --json --no-nat-gateway")
    assert planned.status == 2
    assert json.loads(planned.out)["summary"].endswith("to create, dify to create")
    assert writes(world) == []

    applied = shell("apply --yes --json --no-nat-gateway")
    assert applied.status == 0
    outputs = Deployment(SETTINGS.replace(nat_gateway=False), world.session).outputs()
    assert applied.out == outputs.to_json() + "\n"
    assert "✓" in applied.err
    writes(world)

    # From here on nobody says it again: a file does.
    Path("settings.toml").write_text("nat_gateway = false\n")
    same = shell("plan")
    assert (same.status, same.out.splitlines()[0]) == (2, "dify/dev in ap-northeast-1: dify to create")
    assert shell("outputs --json").out == applied.out
    assert json.loads(shell("cost --json").out)["complete"] is True
    assert shell("plan --destroy --markdown").status == 2
    assert shell("plan --delete-data").status == 1
    status = json.loads(shell("status --json").out)
    assert (status["state"], status["changes"], status["lock"], status["open_accesses"]) == ("running", 1, None, [])
    assert status["url"] == json.loads(applied.out)["url"]
    assert writes(world) == []

    # Only who types the name of the environment deletes it.
    for typed in ("", "yes\n", "prod\n"):
        refused = shell("destroy", typed=typed)
        assert refused.status == 1
        assert "nothing was deleted" in refused.err
    assert writes(world) == []
    missing = shell("destroy --json", typed="dev\n")
    assert missing.status == 0
    kept = [each["address"] for each in json.loads(missing.out)["actions"] if each["verb"] == "keep"]
    assert kept == ["bucket/storage", "secret/application", "volume/data"]
    everything = shell("destroy --yes --delete-data")
    assert everything.status == 0
    assert "Type" not in everything.err
    assert shell("plan --destroy --delete-data").status == 0


def test_deploy_installs_dify_and_a_second_one_changes_nothing(shell: Shell, world: World) -> None:
    """The one command that a person needs. No door is open afterwards, but one that somebody asks for."""
    Path("settings.toml").write_text("nat_gateway = false\n")
    deployed = shell("deploy --yes --json")
    assert deployed.status == 0, deployed.err
    result = json.loads(shell("install --json --dry-run").out)
    assert {each["state"] for each in result["outcomes"]} == {"already so"}
    assert json.loads(shell("status --json").out)["open_accesses"] == []

    writes(world)
    assert shell("diagnose").out.startswith("dify/dev in ap-northeast-1")
    assert writes(world) == []
    observed = shell("diagnose --open-access --json")
    assert (observed.status, "wrong" in observed.out) == (0, False), observed.out
    assert "CreateSchedule" in " ".join(writes(world))

    opened = json.loads(shell("access --address 203.0.113.9 --minutes 15 --json").out)
    assert opened["ssh"] == f"ubuntu@{json.loads(deployed.out)['public_ip']}"
    (open_access,) = json.loads(shell("status --json").out)["open_accesses"]
    assert (open_access["network"], open_access["expires"]) == ("203.0.113.9/32", opened["expires"])
    assert shell("access --close").out == "closed for 203.0.113.9/32\n"
    assert json.loads(shell("status --json").out)["open_accesses"] == []


def test_what_fails_is_reported_in_one_block(shell: Shell, world: World) -> None:
    """What failed, what is done and how it goes on; no traceback. A program reads the same as JSON."""
    world.faults.refuse("CreateVpc", "VpcLimitExceeded", "The maximum number of VPCs has been reached.")
    failed = shell("apply --yes --json")
    assert failed.status == 1
    error = json.loads(failed.out)["error"]
    assert (error["type"], list(error["failures"])) == ("RunFailed", ["vpc/main"])
    last = failed.err[failed.err.index("error: ") :]
    assert "VpcLimitExceeded" in last
    assert "run again to go on from here" in last
    assert "Traceback" not in failed.err


def test_ctrl_c_is_no_error() -> None:
    """It has the status that a shell knows, and is no reason for a traceback."""

    class Interrupting:
        """A way to AWS on which somebody presses Ctrl-C."""

        def __getattr__(self, name: str) -> Any:
            raise KeyboardInterrupt

    stopped = Shell(Interrupting())("plan")
    assert (stopped.status, stopped.out) == (130, "")
    assert "interrupted" in stopped.err
    assert "Traceback" not in stopped.err


def test_access_is_opened_for_a_while_and_closed_before(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another process, and also in a deployment of which half is missing; it is not closed to somebody else.

    The name of the user has a character that no tag can have.
    """
    monkeypatch.setenv("LOGNAME", "al!ce")
    aws = Aws(world.session, deployment="dify/dev", region="ap-northeast-1")
    vpc, leases = Vpc(name="main", cidr_block="10.0.0.0/16"), ScheduleGroup(name="leases")
    group = SecurityGroup(name="host", vpc=vpc.id, ingress=[Rule("0.0.0.0/0", 80)])
    policies = {"close": closing_policy(group.ref("arn"))}
    closer = Role(name="leases", service="scheduler.amazonaws.com", policies=policies)
    found = Stack("dify/dev", [vpc, leases, group, closer]).apply(aws).found
    host, role = found["security-group/host"].id, found["role/leases"].id
    # IAM has told EventBridge Scheduler of the role.
    world.clock.advance(60)

    def lease(address: str, owner: str) -> Lease:
        return Lease(SshPort(aws, host, "dify--dev--leases", role), single(address), owner, 60)

    def let_in() -> set[str]:
        open_accesses = json.loads(shell("status --json").out)["open_accesses"]
        return {f"{each['network']} {each['owner']}" for each in open_accesses}

    own, other = this_run(), "somebody@elsewhere"
    earlier = own.partition(" ")[0] + " (process 1)"
    shown = re.sub("[(!)]", "-", earlier)
    lease("203.0.113.7", earlier)
    lease("203.0.113.8", earlier)
    lease("203.0.113.8", other)
    lease("203.0.113.9", other)
    assert f"203.0.113.7/32 {shown}" in let_in()

    assert json.loads(shell("access --close --json").out) == {"closed": ["203.0.113.7/32"]}
    assert let_in() == {f"203.0.113.8/32 {other}", f"203.0.113.9/32 {other}"}
    scheduler = world.session.client("scheduler")
    assert len(scheduler.list_schedules(GroupName="dify--dev--leases")["Schedules"]) == 2
    writes(world)
    assert shell("access --close").out == "nothing was open from this machine\n"
    assert writes(world) == []


def test_close_takes_away_what_aws_has_not(world: World) -> None:
    """A rule whose time is over goes, whoever leased it; one that nobody leased stays."""
    aws = Aws(world.session, deployment="dify/dev", region="ap-northeast-1")
    vpc = Vpc(name="main", cidr_block="10.0.0.0/16")
    group = SecurityGroup(name="host", vpc=vpc.id)
    found = Stack("dify/dev", [vpc, group]).apply(aws).found
    host = found["security-group/host"].id
    ec2 = world.session.client("ec2")
    for network, tags in (("203.0.113.7/32", True), ("203.0.113.8/32", False)):
        rule: Any = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": network}]}
        (made,) = ec2.authorize_security_group_ingress(GroupId=host, IpPermissions=[rule])["SecurityGroupRules"]
        if tags:
            over = "2020-01-01T00:00:00Z somebody@elsewhere"
            ec2.create_tags(Resources=[made["SecurityGroupRuleId"]], Tags=[{"Key": "dify-aws:lease/0", "Value": over}])
    assert close_access(aws) == ("203.0.113.7/32",)
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [host]}])["SecurityGroupRules"]
    assert [rule["CidrIpv4"] for rule in rules if not rule["IsEgress"]] == ["203.0.113.8/32"]


def test_a_lock_is_seen_and_can_be_taken_away(shell: Shell, world: World) -> None:
    """With the id that status tells, and no other."""
    aws = Aws(world.session, deployment="dify/dev", region="ap-northeast-1")
    with Lock(aws, "apply") as lock:
        assert lock.id in json.loads(shell("status --json").out)["lock"]
        refused = shell("deploy --yes --wait 0")
        assert (refused.status, lock.id in refused.err) == (1, True)
        wrong = shell("unlock 0123")
        assert wrong.status == 1
        assert lock.id in wrong.err
        assert shell(f"unlock {lock.id}").out.startswith("unlocked")
        assert json.loads(shell("status --json").out)["lock"] is None
    assert shell("unlock 0123").out == "there is no lock any more\n"


def test_something_that_others_made_is_adopted(shell: Shell, world: World) -> None:
    """As a plan first, whose exit code says that there is something to do; then it is the deployment's."""
    vpc = world.session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    planned = shell(f"adopt vpc/main {vpc} --plan --json")
    assert (planned.status, writes(world)) == (2, ["ec2.CreateVpc"])
    assert json.loads(planned.out)["actions"][0]["address"] == "vpc/main"
    adopted = shell(f"adopt vpc/main {vpc} --yes --wait 0 --json")
    assert (adopted.status, json.loads(adopted.out)["actions"]) == (0, json.loads(planned.out)["actions"])
    assert shell(f"adopt vpc/main {vpc} --plan").status == 0
    refused = shell("adopt vpc/mian vpc-1")
    assert (refused.status, "vpc/main" in refused.err) == (1, True)


def test_another_host_key_is_pinned(shell: Shell, world: World) -> None:
    """The key is one argument with a space in it, as in known_hosts; what is none changes nothing."""
    Path("settings.toml").write_text("nat_gateway = false\n")
    shell("apply --yes")
    writes(world)
    key = new_ssh_key()[1]
    kind, _, data = key.partition(" ")
    fingerprint = host_keys(key)[0].fingerprint
    wrong = shell(f"pin-host-key {data}")
    assert (wrong.status, writes(world)) == (1, [])
    assert "is no host key" in wrong.err
    pinned = shell.typed_as(["pin-host-key", f"{kind} {data}", "--yes", "--json"])
    assert (pinned.status, json.loads(pinned.out)["fingerprint"]) == (0, fingerprint)
    assert "secretsmanager.TagResource" in writes(world)


def test_bootstrap_makes_what_github_needs_and_takes_it_away(shell: Shell, world: World) -> None:
    """Without an environment: it is for all of them. Each role trusts the jobs of its environment only."""
    shell.environ = {}
    assert shell("bootstrap --plan --github-repository me/mine").status == 2
    assert writes(world) == []
    made = shell("bootstrap --github-repository me/mine --github-environments dev,prod --yes --json")
    assert made.status == 0, made.err
    roles = {name: arn.rpartition("/")[2] for name, arn in json.loads(made.out)["github_roles"].items()}
    assert roles.keys() == {"dev", "prod"}
    iam: Any = world.session.client("iam")
    assert shell("history --environment dev").out.startswith("nothing is recorded")
    assert shell("apply --yes --environment dev").status == 0
    (record,) = json.loads(shell("history --environment dev --json").out)["records"]
    assert (record["verb"], record["deployment"]) == ("apply", "dify/dev")
    for name, role in roles.items():
        (trust,) = statements(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
        who = trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        assert who == [f"repo:me/mine:environment:{name}"]
    again = shell("bootstrap --plan --github-repository me/mine --github-environments dev,prod")
    assert again.status == 0, again.out
    assert shell("bootstrap --destroy", typed="no\n").status == 1
    assert shell("bootstrap --destroy", typed="foundation\n").status == 0


def test_the_workflow_is_written_where_it_was_requested(shell: Shell) -> None:
    """Into folders that need not be there; to stdout otherwise. It asks nothing of AWS."""
    shown = shell("workflow --region eu-west-1 --github-environments live --requirement ./wheels/own.whl")
    inputs: Any = yaml.safe_load(shown.out)[True]["workflow_dispatch"]["inputs"]
    assert inputs["aws_region"]["default"] == "eu-west-1"
    assert inputs["environment_name"]["options"] == ["live", "dev"]
    assert 'REQUIREMENT: "./wheels/own.whl"' in shown.out
    written = shell("workflow --output .github/workflows/deploy.yml")
    assert (written.status, written.out) == (0, "")
    assert Path(".github/workflows/deploy.yml").read_text() == shell("workflow").out
    Path("file").write_text("")
    refused = shell("workflow --output file/deploy.yml")
    assert refused.status == 1
    assert "file/deploy.yml cannot be written" in refused.err


def test_a_rehearsal_needs_no_account() -> None:
    """--offline brings its own AWS."""
    rehearsed = Shell()("plan --offline --no-nat-gateway")
    origin = "dify/dev in ap-northeast-1; settings: DIFY_AWS_ENVIRONMENT, --no-nat-gateway; offline"
    assert (rehearsed.status, rehearsed.err) == (2, f"{origin}\nAWS account 123456789012\n")
    assert rehearsed.out.startswith("dify/dev in ap-northeast-1: ")


@pytest.mark.parametrize(("words", "status"), [("--version", 0), ("plan --settings nowhere.toml", 1)])
def test_it_is_a_program(words: str, status: int) -> None:
    """With the status that the command has."""
    command = [sys.executable, "-m", "dify_aws", *words.split()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == status, ran.stderr
    assert ran.stdout.startswith("dify-aws ") == (status == 0)


def test_a_release_is_imported_and_checked(shell: Shell, tmp_path: Path) -> None:
    """The draft is a file, the report is the result; a draft with something to decide does not pass."""
    checkout = checkout_of("1.17.1")
    folder = checkout.write(tmp_path / "dify")
    drafted = shell("release import dify")
    assert (drafted.status, "all placed" in drafted.out) == (0, True)
    assert "1.17.1.toml is written" in drafted.err
    checked = shell("release check 1.17.1.toml --checkout dify --json")
    assert (checked.status, json.loads(checked.out)["problems"]) == (0, [])
    again = shell("release import dify")
    assert again.status == 1
    assert "1.17.1.toml is there already" in again.err

    checkout.env["QUOTA_OF_APPS"] = "5"
    checkout.write(folder)
    found_text = json.loads(shell("release import dify --output next.toml --base 1.16.1 --json").out)
    assert (found_text["base"], list(found_text["undecided"])) == ("1.16.1", ["variables.QUOTA_OF_APPS"])
    refused = shell("release check next.toml")
    assert refused.status == 1
    assert "QUOTA_OF_APPS" in refused.out
    assert shell("release check nowhere.toml").status == 1
    assert shell("release import nowhere").status == 1
    assert shell("release draft dify").status == 1
