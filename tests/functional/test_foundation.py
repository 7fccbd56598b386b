"""The foundation: what an account needs once. It takes over nothing, and loosens nothing."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from dify_aws import Aws, Bucket, Foundation, SettingsError, Stack
from dify_aws.blueprints.foundation import AUDIENCE, GITHUB
from dify_aws.offline.world import World
from dify_aws.resources.bucket import PUBLIC_ACCESS_BLOCKS
from tests.support.deaths import dies_at_each
from tests.support.inventory import counted, inventory
from tests.support.statements import statements

ACCOUNT: Final = "123456789012"
PROVIDER: Final = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"
REPOSITORY: Final = "octocat/dify"
WHOLE: Final = {"bucket": 2, "table": 1, "trail": 1, "oidc-provider": 1, "role": 1}


def foundation(world: World, **other: Any) -> Foundation:
    return Foundation(**{"github_repository": REPOSITORY, "session": world.session, **other})


def trust(world: World) -> dict[str, Any]:
    """The one statement by which the role can be taken."""
    iam: Any = world.session.client("iam")
    (role,) = iam.list_roles()["Roles"]
    (statement,) = statements(role["AssumeRolePolicyDocument"])
    return statement


def blocks(world: World) -> set[str]:
    """What is forbidden in every bucket of the account."""
    told = world.session.client("s3control").get_public_access_block(AccountId=ACCOUNT)
    return {name for name, on in told["PublicAccessBlockConfiguration"].items() if on}


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
    assert outputs.github_role is not None
    assert outputs.github_role.endswith(
        "/dify-aws/dify/foundation/ap-northeast-1/dify--foundation--github--ap-northeast-1"
    )
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


@pytest.mark.parametrize(
    ("asked", "subjects"),
    [
        ({}, [f"repo:{REPOSITORY}:ref:refs/heads/main"]),
        ({"branch": None, "environments": ["prod"]}, [f"repo:{REPOSITORY}:environment:prod"]),
        (
            {"branch": "release/1", "environments": ["prod", "dev"]},
            [
                f"repo:{REPOSITORY}:environment:dev",
                f"repo:{REPOSITORY}:environment:prod",
                f"repo:{REPOSITORY}:ref:refs/heads/release/1",
            ],
        ),
    ],
    ids=["main", "an environment", "all of them"],
)
def test_only_these_workflows_may_take_the_role(world: World, asked: dict[str, Any], subjects: object) -> None:
    """Of this repository, on this branch or for these environments; nobody else's, and no pull request's."""
    foundation(world, trail=False, **asked).apply()
    assert trust(world) == {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Condition": {"StringEquals": {f"{GITHUB}:aud": [AUDIENCE], f"{GITHUB}:sub": subjects}},
    }
    assert not foundation(world, trail=False, **asked).plan()


def test_without_a_repository_nobody_is_trusted(world: World) -> None:
    foundation(world, github_repository=None).apply()
    assert {"role", "oidc-provider"}.isdisjoint(counted(inventory(world.session)))


def test_the_role_takes_locks_and_writes_records_and_what_else_it_is_given(world: World) -> None:
    """Of this project only, and it deletes no record."""
    allowed = {"Effect": "Allow", "Action": ["ec2:DescribeVpcs"], "Resource": ["*"]}
    foundation(world, policies={"look": {"Version": "2012-10-17", "Statement": [allowed]}}).apply()
    iam: Any = world.session.client("iam")
    (role,) = iam.list_roles()["Roles"]
    names = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    assert sorted(names) == ["look", "team"]
    team = {
        each["Sid"]: each
        for each in statements(iam.get_role_policy(RoleName=role["RoleName"], PolicyName="team")["PolicyDocument"])
    }
    state = f"arn:aws:s3:::dify--foundation--state-{ACCOUNT}-ap-northeast-1"
    table = f"arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table/dify-aws-locks"
    assert {name: each["Resource"] for name, each in team.items()} == {
        "Locks": [table],
        "Records": [f"{state}/records/*"],
        "ListRecords": [state],
    }
    assert not any("Delete" in action for each in team.values() for action in each["Action"])


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


def test_a_provider_that_believes_no_token_of_ours_is_told(world: World) -> None:
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
    assert foundation(world).plan().notes == ()
    without.apply()
    assert blocks(world) == set(PUBLIC_ACCESS_BLOCKS)


def test_the_trail_records_all_regions_and_can_be_trusted(world: World) -> None:
    outputs = foundation(world).apply()
    assert outputs.trail is not None
    cloudtrail = world.session.client("cloudtrail")
    told = cloudtrail.get_trail(Name=outputs.trail)["Trail"]
    assert (told["IsMultiRegionTrail"], told["LogFileValidationEnabled"]) == (True, True)
    assert told["S3BucketName"] == outputs.trail_bucket
    assert cloudtrail.get_trail_status(Name=outputs.trail)["IsLogging"]
    rules: Any = world.session.client("s3").get_bucket_lifecycle_configuration(Bucket=told["S3BucketName"])["Rules"]
    assert {rule["ID"]: rule.get("Expiration") for rule in rules}["old-calls"] == {"Days": 365}


def test_killed_on_the_way_it_is_finished_by_the_next_run(world: World) -> None:
    """Right before and right after each of these calls."""
    calls = {"s3control.PutPublicAccessBlock": 1, "cloudtrail.CreateTrail": 1}
    dies_at_each(world, calls, lambda: foundation(world).apply())
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
        ({"branch": "*"}, ["branch"]),
        ({"branch": None}, ["branch"]),
        ({"environments": ["prod", "prod:dev", "p*"]}, ["environments", "environments"]),
        ({"project": "Dify", "branch": "a b", "github_repository": ""}, ["project", "github_repository", "branch"]),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_at_once(world: World, wrong: dict[str, Any], fields: list[str]) -> None:
    """Above all what would trust more than one branch, or somebody else."""
    with pytest.raises(SettingsError) as told:
        foundation(world, **wrong)
    assert [problem.field for problem in told.value.problems] == fields
