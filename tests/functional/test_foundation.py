"""The foundation: what an account needs once. It takes over nothing, and loosens nothing."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from dify_aws import Aws, Bucket, Foundation, Settings, SettingsError, Stack
from dify_aws.offline.world import World
from dify_aws.resources.s3.bucket_settings import PUBLIC_ACCESS_BLOCKS
from dify_aws.topologies.account import Account
from dify_aws.topologies.foundation import AUDIENCE, GITHUB, GithubRole
from dify_aws.topologies.foundation import foundation as blueprint
from tests.support.iam_policy import Policies, Request
from tests.support.inventory import counted, inventory
from tests.support.process_kill import killed_at_each
from tests.support.statements import statements

ACCOUNT: Final = "123456789012"
PROVIDER: Final = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"
REPOSITORY: Final = "octocat/dify"
EVERYTHING: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}
WHOLE: Final = {"bucket": 2, "table": 1, "trail": 1, "oidc-provider": 1, "role": 1}


def foundation(world: World, **other: Any) -> Foundation:
    return Foundation(**{"github_repository": REPOSITORY, "session": world.session, "environments": ["dev"], **other})


def trust(world: World) -> dict[str, Any]:
    """The one statement by which the role can be taken."""
    iam: Any = world.session.client("iam")
    (role,) = iam.list_roles()["Roles"]
    (statement,) = statements(role["AssumeRolePolicyDocument"])
    return statement


def blocks(world: World) -> set[str]:
    """What is forbidden in every bucket of the account."""
    result = world.session.client("s3control").get_public_access_block(AccountId=ACCOUNT)
    return {name for name, on in result["PublicAccessBlockConfiguration"].items() if on}


def block(world: World, *names: str) -> None:
    """Somebody sets just these."""
    chosen: Any = {name: name in names for name in PUBLIC_ACCESS_BLOCKS}
    world.session.client("s3control").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=chosen)


def test_made_once_and_left_alone_then(world: World) -> None:
    """The plan shows all of it; the second apply sends no writing call; the outputs are found again."""
    ours = foundation(world)
    plan = ours.plan()
    assert len(plan) == len(WHOLE) + 2
    outputs = ours.apply(plan)
    assert counted(inventory(world.session)) == WHOLE
    world.forget_calls()
    again = foundation(world)
    assert not again.plan()
    assert again.apply() == again.outputs() == outputs
    assert world.writes == []
    path = f"arn:aws:iam::{ACCOUNT}:role/dify-aws/dify/foundation/ap-northeast-1"
    assert outputs.github_roles == {"dev": f"{path}/dify--dev--github--ap-northeast-1"}
    assert f"role of dev    {path}/dify--dev--github--ap-northeast-1" in str(outputs)
    assert json.loads(outputs.to_json())["state_bucket"] == f"dify--foundation--state-{ACCOUNT}-ap-northeast-1"
    assert "lock table     dify-aws-locks" in str(outputs)


def test_destroy_keeps_what_holds_data(world: World) -> None:
    """And the public access block, which is for all of the account, even where the data goes too."""
    foundation(world).apply()
    kept = foundation(world).destroy().kept
    assert {action.address for action in kept} == {"bucket/state", "bucket/calls", "table/locks"}
    assert counted(inventory(world.session)) == {"bucket": 2, "table": 1}
    foundation(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == {}
    assert blocks(world) == set(PUBLIC_ACCESS_BLOCKS)


def test_what_is_somebody_elses_stays(world: World) -> None:
    """The foundation and the environments of a project take nothing from each other."""
    foundation(world).apply()
    before = inventory(world.session)
    theirs = Stack("dify/dev", [Bucket(name="storage")])
    aws = Aws(world.session, deployment="dify/dev")
    theirs.apply(aws)
    assert not foundation(world).plan()
    theirs.destroy(aws, delete_data=True)
    assert inventory(world.session) == before


def subjects(world: World) -> dict[str, set[str]]:
    """Which workflows may take which role."""
    iam: Any = world.session.client("iam")
    found: dict[str, set[str]] = {}
    for role in iam.list_roles(PathPrefix="/dify-aws/dify/foundation/")["Roles"]:
        (statement,) = statements(role["AssumeRolePolicyDocument"])
        assert statement["Principal"] == {"Federated": PROVIDER}
        assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
        (condition,) = statement["Condition"].values()
        assert condition.keys() == {f"{GITHUB}:aud", f"{GITHUB}:sub"}
        assert condition[f"{GITHUB}:aud"] == [AUDIENCE]
        found[role["RoleName"]] = set(condition[f"{GITHUB}:sub"])
    return found


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        ({}, {"dev": {"environment:dev"}}),
        ({"environments": ["dev", "prod"]}, {"dev": {"environment:dev"}, "prod": {"environment:prod"}}),
        ({"environments": [], "branches": {"dev": "release/1"}}, {"dev": {"ref:refs/heads/release/1"}}),
        (
            {"environments": ["dev", "prod"], "branches": {"dev": "main"}},
            {"dev": {"environment:dev", "ref:refs/heads/main"}, "prod": {"environment:prod"}},
        ),
    ],
    ids=["one", "two", "a branch", "both"],
)
def test_only_these_workflows_may_take_the_role(
    world: World, requested: dict[str, Any], expected: dict[str, set[str]]
) -> None:
    """A role for each environment, for the jobs of that environment or of that branch; nobody else's, and no pull
    request's. That a branch goes round those who approve is in the plan."""
    plan = foundation(world, trail=False, **requested).plan()
    goes_round = any("environment:dev" in claims and len(claims) > 1 for claims in expected.values())
    assert ("deploy dev without asking" in "\n".join(plan.notes)) == goes_round
    foundation(world, trail=False, **requested).apply(plan)
    assert subjects(world) == {
        f"dify--{name}--github--ap-northeast-1": {f"repo:{REPOSITORY}:{claim}" for claim in claims}
        for name, claims in expected.items()
    }
    assert not foundation(world, trail=False, **requested).plan()


def policies_of(world: World, role: str) -> Policies:
    """What a role may do, as IAM has it."""
    iam: Any = world.session.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return Policies({name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names})


def requests_about(environment: str) -> list[Request]:
    """What somebody with the role of another environment would like to do to this one."""
    deployment = f"dify/{environment}"
    owned = {"aws:ResourceTag/dify-aws:deployment": (deployment,), "aws:RequestedRegion": ("ap-northeast-1",)}
    there = f"ap-northeast-1:{ACCOUNT}"
    state = f"arn:aws:s3:::dify--foundation--state-{ACCOUNT}-ap-northeast-1"
    host = f"role/dify-aws/{deployment}/ap-northeast-1/dify--{environment}--host--ap-northeast-1"
    secret = f"arn:aws:secretsmanager:{there}:secret:{deployment}/application-a1B2c3"
    lock = {"dynamodb:LeadingKeys": (deployment,)}
    return [
        Request("ec2:TerminateInstances", f"arn:aws:ec2:{there}:instance/i-1", owned),
        Request("ec2:GetConsoleOutput", f"arn:aws:ec2:{there}:instance/i-1", owned),
        Request("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:{host}"),
        Request("secretsmanager:GetSecretValue", secret),
        Request("secretsmanager:PutSecretValue", secret),
        Request("s3:DeleteObjectVersion", f"arn:aws:s3:::dify--{environment}-{ACCOUNT}-ap-northeast-1/uploads/a"),
        Request("s3:GetObject", f"{state}/records/{deployment}/00000001.json"),
        Request("s3:PutObject", f"{state}/records/{deployment}/00000001.json"),
        Request("s3:ListBucket", state, {"s3:prefix": (f"records/{deployment}/",)}),
        Request("dynamodb:GetItem", f"arn:aws:dynamodb:{there}:table/dify-aws-locks", lock),
        Request("dynamodb:PutItem", f"arn:aws:dynamodb:{there}:table/dify-aws-locks", lock),
        Request("sns:DeleteTopic", f"arn:aws:sns:{there}:dify--{environment}--alarms", owned),
    ]


def test_no_role_reaches_another_environment(world: World) -> None:
    """Who may deploy dev gets round nobody who approves prod. As IAM has the policies, own ones as well."""
    foundation(world, environments=["dev", "prod"]).apply()
    for name, other in (("dev", "prod"), ("prod", "dev")):
        policies = policies_of(world, f"dify--{name}--github--ap-northeast-1")
        assert [str(each) for each in requests_about(name) if not policies.allow(each)] == []
        assert [str(each) for each in requests_about(other) if policies.allow(each)] == []
    foundation(world, environments=["dev", "prod"], policies={"prod": {}}).apply()
    policies = policies_of(world, "dify--prod--github--ap-northeast-1")
    assert [str(each) for each in requests_about("dev") if policies.allow(each)] == []
    assert {each.action for each in requests_about("prod") if policies.allow(each)} == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }


def test_pull_requests_get_a_role_of_their_own_that_only_plans(world: World) -> None:
    """Whoever may open one runs code of theirs: it changes nothing, and opens no secret."""
    outputs = foundation(world, environments=["dev", "prod"], pull_requests=True).apply()
    role = "dify--foundation--plan--ap-northeast-1"
    assert (outputs.plan_role or "").endswith(f"/{role}")
    assert subjects(world)[role] == {f"repo:{REPOSITORY}:pull_request"}
    policies = policies_of(world, role)
    for name in ("dev", "prod"):
        allowed = {each.action for each in requests_about(name) if policies.allow(each)}
        assert allowed == {"dynamodb:GetItem", "ec2:GetConsoleOutput", "s3:GetObject", "s3:ListBucket"}
    assert not foundation(world, environments=["dev", "prod"], pull_requests=True).plan()


def test_the_one_role_of_before_is_taken_away(world: World) -> None:
    """A foundation that was made with one role for everything loses it with the next apply(), and the plan says so."""
    aws = Aws(world.session, deployment="dify/foundation")
    before = GithubRole("github", None, (f"repo:{REPOSITORY}:environment:dev",), {"all": EVERYTHING})
    blueprint("dify", Account(ACCOUNT, "aws", "ap-northeast-1"), roles=[before], trail=False).apply(aws)
    assert subjects(world).keys() == {"dify--foundation--github--ap-northeast-1"}
    plan = foundation(world, trail=False).plan()
    assert [each.address for each in plan if each.verb == "delete"] == ["role/github"]
    foundation(world, trail=False).apply(plan)
    assert subjects(world).keys() == {"dify--dev--github--ap-northeast-1"}


def test_that_roles_without_a_boundary_can_do_more_is_reported(world: World) -> None:
    """Who deploys one environment could give its machine any right. It is in the plan, where there is another."""
    result = "permissions_boundary prevents that"
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/limit"
    for requested, expected in (
        ({"environments": ["dev", "prod"]}, True),
        ({"environments": ["dev"]}, False),
        ({"environments": ["dev", "prod"], "permissions_boundary": boundary}, False),
        ({"environments": ["dev", "prod"], "policies": {}}, False),
    ):
        assert (result in "\n".join(foundation(world, **requested).plan().notes)) == expected, requested


def test_policies_that_no_role_takes_are_refused_before_anything_is_made(world: World) -> None:
    """AWS would say so after half of it is there."""
    existing = Settings(
        environment="any",
        vpc_id=f"vpc-{'0' * 17}",
        public_subnet_id=f"subnet-{'0' * 17}",
        private_subnet_id=f"subnet-{'1' * 17}",
    )
    with pytest.raises(SettingsError, match="a role takes 10,240"):
        foundation(world, project="p" * 16, environments=["e" * 16], existing=existing)
    foundation(world, environments=["dev"], existing=existing)
    many = [f"environment-{number:04}" for number in range(20)]
    with pytest.raises(SettingsError, match="a role takes 10,240") as refused:
        foundation(world, environments=many, pull_requests=True)
    assert [problem.value for problem in refused.value.problems] == ["plan"]


def test_without_a_repository_nobody_is_trusted(world: World) -> None:
    foundation(world, github_repository=None).apply()
    assert {"role", "oidc-provider"}.isdisjoint(counted(inventory(world.session)))


def test_the_role_takes_its_lock_and_writes_its_records_and_what_else_it_is_given(world: World) -> None:
    """Of this environment only, and it deletes no record."""
    allowed = {"Effect": "Allow", "Action": ["ec2:DescribeVpcs"], "Resource": ["*"]}
    foundation(world, policies={"dev": {"look": {"Version": "2012-10-17", "Statement": [allowed]}}}).apply()
    iam: Any = world.session.client("iam")
    (role,) = iam.list_roles()["Roles"]
    names = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    assert sorted(names) == ["look", "team"]
    team = iam.get_role_policy(RoleName=role["RoleName"], PolicyName="team")["PolicyDocument"]
    assert "Delete" not in json.dumps(team)


def test_a_provider_that_is_there_is_used_and_never_changed(world: World) -> None:
    """An account has one for GitHub. It stays as it is: untagged, with its own client ids, also after destroy()."""
    iam: Any = world.session.client("iam")
    iam.create_open_id_connect_provider(Url=f"https://{GITHUB}", ClientIDList=["theirs", AUDIENCE])
    before = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
    ours = foundation(world)
    plan = ours.plan()
    assert "oidc-provider/github" not in {action.address for action in plan}
    assert f"{PROVIDER} is there already and not ours" in "\n".join(plan.notes)
    outputs = ours.apply(plan)
    assert outputs.oidc_provider == PROVIDER
    assert trust(world)["Principal"] == {"Federated": PROVIDER}
    assert not foundation(world).plan()
    foundation(world).destroy(delete_data=True)
    after = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
    assert all(after[name] == before[name] for name in ("ClientIDList", "ThumbprintList", "Tags", "CreateDate"))


def test_a_provider_that_believes_no_token_of_ours_is_reported(world: World) -> None:
    iam: Any = world.session.client("iam")
    iam.create_open_id_connect_provider(Url=f"https://{GITHUB}", ClientIDList=["theirs"])
    assert f"no token for {AUDIENCE}" in "\n".join(foundation(world).plan().notes)


def test_a_second_region_uses_the_provider_of_the_first(world: World) -> None:
    """An account has one, in all regions. Its end in the one that did not make it is not the end of it."""
    foundation(world).apply()
    there = foundation(world, session=world.in_region("eu-central-1"))
    assert there.apply().oidc_provider == PROVIDER
    there.destroy(delete_data=True)
    assert not foundation(world).plan()
    assert counted(inventory(world.session))["oidc-provider"] == 1


def test_the_public_access_block_is_only_tightened(world: World) -> None:
    """What others have switched on stays on, what is missing is added; not wished for, it is left alone."""
    block(world, "BlockPublicAcls", "IgnorePublicAcls")
    without = foundation(world, block_public_access=False)
    without.apply()
    assert blocks(world) == {"BlockPublicAcls", "IgnorePublicAcls"}
    plan = foundation(world).plan()
    assert [(action.verb, action.address) for action in plan] == [("update", "public-access-block/account")]
    assert "No bucket of the account can be public from then on" in "\n".join(plan.notes)
    foundation(world).apply(plan)
    assert blocks(world) == set(PUBLIC_ACCESS_BLOCKS)
    assert not any("public" in note for note in foundation(world).plan().notes)
    without.apply()
    assert blocks(world) == set(PUBLIC_ACCESS_BLOCKS)


def test_the_trail_records_all_regions_and_can_be_trusted(world: World) -> None:
    outputs = foundation(world).apply()
    assert outputs.trail is not None
    cloudtrail = world.session.client("cloudtrail")
    result = cloudtrail.get_trail(Name=outputs.trail)["Trail"]
    assert (result["IsMultiRegionTrail"], result["LogFileValidationEnabled"]) == (True, True)
    assert result["S3BucketName"] == outputs.trail_bucket
    assert cloudtrail.get_trail_status(Name=outputs.trail)["IsLogging"]
    rules: Any = world.session.client("s3").get_bucket_lifecycle_configuration(Bucket=result["S3BucketName"])["Rules"]
    assert {rule["ID"]: rule.get("Expiration") for rule in rules}["old-calls"] == {"Days": 365}


def test_killed_on_the_way_it_is_finished_by_the_next_run(world: World) -> None:
    """Right before and right after each of these calls."""
    calls = {"s3control.PutPublicAccessBlock": 1, "cloudtrail.CreateTrail": 1}
    killed_at_each(world, calls, lambda: foundation(world).apply())
    assert counted(inventory(world.session)) == WHOLE
    assert not foundation(world).plan()


def test_what_aws_does_not_know_yet_is_waited_for(world: World) -> None:
    """CloudTrail has not seen the new policy of its bucket, and the name of the table was in use a moment ago."""
    world.faults.refuse("CreateTrail", "InsufficientS3BucketPolicyException", times=3)
    world.faults.refuse("CreateTable", "ResourceInUseException", "Table is being deleted: dify-aws-locks", times=3)
    foundation(world).apply()
    assert not foundation(world).plan()


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"github_repository": "octocat"}, ["github_repository"]),
        ({"github_repository": "octocat/*"}, ["github_repository"]),
        ({"branches": {"dev": "*"}}, ["branches"]),
        ({"environments": []}, ["environments"]),
        ({"environments": ["prod", "prod:dev", "p*", "Prod", "foundation"]}, ["environments"] * 4),
        ({"policies": {"prod": {}}}, ["policies"]),
        (
            {"project": "Dify", "branches": {"prod": "a b"}, "github_repository": ""},
            ["project", "github_repository", "branches"],
        ),
    ],
    ids=str,
)
def test_wrong_arguments_are_reported_at_once(world: World, wrong: dict[str, Any], fields: list[str]) -> None:
    """Above all what would trust more than one branch, or somebody else."""
    with pytest.raises(SettingsError) as raised:
        foundation(world, **wrong)
    assert [problem.field for problem in raised.value.problems] == fields


ORGANIZATIONS: Final = "arn:aws:cloudtrail:us-east-1:999999999999:trail/all-accounts"


def test_a_trail_of_the_organization_is_named_with_the_price_of_a_second_one(world: World) -> None:
    """It is in another account and region, and records what ours would record again, for money."""
    assert not [note for note in foundation(world).plan().notes if "100,000" in note]
    world.add_organization_trail(ORGANIZATIONS)
    (note,) = [note for note in foundation(world).plan().notes if "100,000" in note]
    assert ORGANIZATIONS in note
    assert "2 USD" in note
    assert "trail=False" in note

    without = foundation(world, trail=False)
    assert not [note for note in without.plan().notes if "100,000" in note]
    assert without.apply().trail is None


def test_our_own_trail_is_no_second_one(world: World) -> None:
    foundation(world).apply()
    assert not [note for note in foundation(world).plan().notes if "100,000" in note]


IDS: Final = {"github_owner_id": 583231, "github_repository_id": 1296269}


def test_a_repository_is_known_by_its_ids_as_well(world: World) -> None:
    """Since July 2026 tokens hold them. Those of before are trusted still; without ids, the plan says what is missing.

    https://github.com/aws-actions/configure-aws-credentials/issues/1888
    """
    owner, name = REPOSITORY.split("/")
    requested: dict[str, Any] = {
        "trail": False,
        "environments": ["dev"],
        "branches": {"dev": "main"},
        "pull_requests": True,
    }
    assert "give github_owner_id and github_repository_id" in "\n".join(foundation(world, **requested).plan().notes)
    plan = foundation(world, **requested, **IDS).plan()
    assert "github_owner_id" not in "\n".join(plan.notes)
    foundation(world, **requested, **IDS).apply(plan)
    both = (f"repo:{REPOSITORY}", f"repo:{owner}@583231/{name}@1296269")
    found = subjects(world)
    assert found.pop("dify--dev--github--ap-northeast-1") == {
        f"{repository}:{claim}" for repository in both for claim in ("environment:dev", "ref:refs/heads/main")
    }
    assert list(found.values()) == [{f"{repository}:pull_request" for repository in both}]
    assert not foundation(world, **requested, **IDS).plan()


@pytest.mark.parametrize("ids", [(583231, None), (None, 1), (0, 1), ("*", 1), (1, "1:*"), (1, -1), (1.5, 1), (True, 1)])
def test_ids_that_trust_more_than_one_are_refused(world: World, ids: tuple[Any, Any]) -> None:
    with pytest.raises(SettingsError, match=r"github_(owner|repository)_id"):
        foundation(world, github_owner_id=ids[0], github_repository_id=ids[1])
