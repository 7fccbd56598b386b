"""No two deployments share a name, a path or a pattern of a policy: over generated names, and as attacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dify_aws import Aws, Bucket, Deployment, Foundation, Settings, SettingsError, Stack, StackError, permissions
from dify_aws.github_access import GithubAccess
from dify_aws.offline import offline
from dify_aws.operations.lock.lock_table import LockTable
from dify_aws.resources.ec2.key_pair import KeyPair
from dify_aws.resources.named_resource import NamedResource
from dify_aws.topologies.account import Account
from dify_aws.topologies.foundation import RECORDS, foundation, state_bucket_name
from dify_aws.topologies.single_host.resources import environment
from tests.support.fuzzing import examples
from tests.support.iam_policy import Policies, Request

ACCOUNT: Final = Account("123456789012", "aws", "ap-northeast-1")
REGION: Final = ACCOUNT.region
ENVIRONMENTS: Final = ("dev", "prod")
"""Those that the foundations below make roles for."""

WORDS: Final = tuple("a b foundation calls state dev 2 host leases locks aws github plan".split())


@dataclass(frozen=True)
class Place:
    """A deployment, or a foundation: then ``environment`` is empty."""

    project: str
    environment: str

    @property
    def deployment(self) -> str:
        return f"{self.project}/{self.environment or 'foundation'}"

    @property
    def settings(self) -> Settings:
        return Settings(project=self.project, environment=self.environment)


@st.composite
def labels(draw: st.DrawFn) -> str:
    """Names of the words that our own names are made of, so that they meet if they can."""
    label = draw(st.sampled_from([word for word in WORDS if word[0].isalpha()]))
    for word in draw(st.lists(st.sampled_from(WORDS), max_size=3)):
        longer = f"{label}-{word}"
        label = longer if len(longer) <= 16 else label
    return label


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Place, Place]:
    """Two of them; often the same words, with another word as the first of the environment."""
    if draw(st.booleans()):
        words = draw(st.lists(st.sampled_from(WORDS), min_size=3, max_size=5))
        cuts = [draw(st.integers(1, len(words) - 1)) for _ in range(2)]
        found = [Place("-".join(words[:cut]), "-".join(words[cut:])) for cut in cuts]
    else:
        project = draw(labels())
        found = [
            Place(project if draw(st.booleans()) else draw(labels()), draw(st.just("") | labels())) for _ in range(2)
        ]
    one, other = found
    assume(one != other and all(_is_possible(each) for each in found))
    return one, other


def _is_possible(place: Place) -> bool:
    """Whether there can be such a deployment, as the library itself says."""
    try:
        if not place.environment:
            Foundation(REGION, project=place.project)
        else:
            Settings(project=place.project, environment=place.environment)
    except SettingsError:
        return False
    return True


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    with offline() as world:
        yield world.session


def access(project: str) -> GithubAccess:
    """Roles for GitHub, one for each of the environments and one for pull requests."""
    return GithubAccess(
        repository="octocat/dify",
        project=project,
        environments=ENVIRONMENTS,
        branches={},
        pull_requests=True,
        policies=None,
        existing=None,
    )


@cache
def names(session: Any, place: Place) -> frozenset[tuple[str, str]]:
    """All that AWS knows by a name, with what the name has to be unique among."""
    aws = Aws(session, deployment=place.deployment, region=REGION)
    stack = (
        environment(place.settings, ACCOUNT)
        if place.environment
        else foundation(place.project, ACCOUNT, roles=access(place.project).roles(ACCOUNT))
    )
    found = {(each.kind, each.named(aws)) for each in stack.resources.values() if isinstance(each, NamedResource)}
    found |= {("key-pair", each._key_name(aws)) for each in stack.resources.values() if isinstance(each, KeyPair)}
    found |= {
        ("security-group", aws.physical_name(address))
        for address, each in stack.resources.items()
        if each.kind == "security-group"
    }
    if place.environment:
        table = LockTable(aws)
        found |= {
            ("lock", f"{table.name}: {table._key}"),
            ("records", f"{state_bucket_name(place.project, ACCOUNT)}/{RECORDS}{place.deployment}/"),
            ("metrics", place.settings.metric_namespace),
        }
    # Of GitHub's provider an account has one.
    return frozenset(each for each in found if each[0] != "oidc-provider")


LIMITS: Final = {"bucket": 63, "role": 64, "instance-profile": 64, "schedule-group": 64, "topic": 256, "trail": 128}

ATTACKS: Final = (
    (Place("acme", "dev-x"), Place("acme-dev", "x")),
    (Place("acme", ""), Place("acme-foundation", "calls")),
    (Place("acme", "dev"), Place("acme", "dev-2")),
    (Place("a", "b"), Place("a-b", "b")),
)


def attacked(test: Any) -> Any:
    """The test, with the pairs that were found by hand, and a bounded number of generated ones, always the same."""
    for pair in ATTACKS:
        test = example(pair=pair)(test)
    return settings(examples(20), suppress_health_check=[HealthCheck.filter_too_much])(given(pair=pairs())(test))


@attacked
def test_no_two_share_a_name(session: Any, pair: tuple[Place, Place]) -> None:
    one, other = (names(session, place) for place in pair)
    assert not one & other


@attacked
def test_every_name_fits(session: Any, pair: tuple[Place, Place]) -> None:
    for kind, name in names(session, pair[0]):
        assert len(name) <= LIMITS.get(kind, 255), (kind, name)


def test_the_longest_names_fit(session: Any) -> None:
    for place in (Place("p" * 16, "e" * 16), Place("p" * 16, "")):
        for kind, name in names(session, place):
            assert len(name) <= LIMITS.get(kind, 255), (kind, name)


ARNS: Final = {
    "alarm": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT.id}:alarm:{{}}",
    "bucket": "arn:aws:s3:::{}",
    "log-group": f"arn:aws:logs:{REGION}:{ACCOUNT.id}:log-group:{{}}",
    "schedule-group": f"arn:aws:scheduler:{REGION}:{ACCOUNT.id}:schedule-group/{{}}",
    "secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT.id}:secret:{{}}-a1B2c3",
    "topic": f"arn:aws:sns:{REGION}:{ACCOUNT.id}:{{}}",
    "trail": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT.id}:trail/{{}}",
    "table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT.id}:table/{{}}",
}

NOT_NARROWED: Final = frozenset(
    {
        "cloudwatch:DescribeAlarms",
        "cloudtrail:DescribeTrails",
        "cloudtrail:LookupEvents",
        "cloudwatch:GetMetricData",
        "iam:GetInstanceProfile",
        "iam:GetOpenIDConnectProvider",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfiles",
        "iam:ListOpenIDConnectProviders",
        "iam:ListRolePolicies",
        "iam:ListRoles",
        "logs:DescribeLogGroups",
        "s3:GetAccountPublicAccessBlock",
        "s3:PutAccountPublicAccessBlock",
        "scheduler:ListScheduleGroups",
        "sns:Unsubscribe",
    }
)
"""What AWS cannot narrow, and tells no secret; the block is of the whole account: see docs/permissions.md."""


def arns(session: Any, place: Place) -> Iterator[str]:
    """What policies name: the things with names, what is in them, and their paths."""
    aws = Aws(session, deployment=place.deployment, region=REGION)
    for kind, name in names(session, place):
        if kind in ("role", "instance-profile"):
            yield f"arn:aws:iam::{ACCOUNT.id}:{kind}/dify-aws/{aws.deployment}/{REGION}/{name}"
        elif kind in ARNS:
            yield ARNS[kind].format(name)
        if kind == "bucket":
            yield f"arn:aws:s3:::{name}/uploads/a"
            yield f"arn:aws:s3:::{name}/{RECORDS}{place.deployment}/1.json"
        if kind == "schedule-group":
            yield f"arn:aws:scheduler:{REGION}:{ACCOUNT.id}:schedule/{name}/x"
        if kind == "records":
            yield f"arn:aws:s3:::{name}1.json"


def identities(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """The policies of everybody who has to do with a deployment, or with a foundation."""
    given = permissions(
        place.settings if place.environment else Settings(project=place.project, environment="x"), ACCOUNT.id
    )
    for identity, documents in given.to_dict().items():
        if bool(place.environment) == (identity != "foundation"):
            yield identity, documents


@attacked
def test_no_policy_of_one_reaches_the_other(session: Any, pair: tuple[Place, Place]) -> None:
    """Neither by a name of it, nor by its tag, its records, its lock. Of a project, the foundation's table of locks and
    bucket of records are its environments': not their settings, and each has its own item and folder."""
    one, other = pair
    tags = {f"aws:{which}Tag/dify-aws:deployment": (other.deployment,) for which in ("Resource", "Request")}
    context = {**tags, "aws:TagKeys": ("dify-aws:deployment",), "aws:RequestedRegion": (REGION,)}
    lock = {"dynamodb:LeadingKeys": (other.deployment,), "s3:prefix": (f"{RECORDS}{other.deployment}/",)}
    namespace = other.settings.metric_namespace if other.environment else "Other"
    reached = set()
    for identity, documents in identities(one):
        policies = Policies(documents)
        for action in _actions(documents) - NOT_NARROWED:
            for arn in arns(session, other):
                if arn.split(":")[2] == action.partition(":")[0] and policies.allow(
                    Request(action, arn, {**context, **lock, "cloudwatch:namespace": (namespace,)})
                ):
                    reached.add(f"{identity}: {action} on {arn}")
    if one.project == other.project and one.environment and not other.environment:
        # Whoever takes the first lock makes the table, and puts the foundation's tag on it.
        reached = {each for each in reached if not each.endswith(f":table/{one.project}-aws-locks")}
    if one.project == other.project and not one.environment:
        # Who makes the foundation holds its bucket, and with it the records of all.
        reached = {each for each in reached if "--foundation--state-" not in each}
    assert reached == set()


def _actions(documents: dict[str, Any]) -> set[str]:
    return {
        action
        for document in documents.values()
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


# Attacks -------------------------------------------------------------------------------------------------------------


def test_an_environment_called_foundation_is_refused(session: Any) -> None:
    """Of any project: its first apply() would take the trail, the role and the provider for its own, and away."""
    Foundation(github_repository="octocat/dify", session=session, project="acme").apply()
    for make in (
        lambda: Settings(project="acme", environment="foundation"),
        lambda: Deployment.load("foundation", project="acme", region=REGION, session=session),
    ):
        with pytest.raises(SettingsError, match="foundation") as refused:
            make()
        assert [problem.field for problem in refused.value.problems] == ["environment"]
    assert not Foundation(github_repository="octocat/dify", session=session, project="acme").plan()


@pytest.mark.parametrize("project", ["aws", "xn", "sthree", "amzn-s3-demo", "amzn-s3-demo-1"])
def test_a_project_that_aws_has_is_refused(project: str) -> None:
    """The log groups of all functions of Lambda begin with /aws/lambda/; S3 keeps what some names begin with."""
    with pytest.raises(SettingsError) as refused:
        Settings(project=project, environment="lambda")
    assert [problem.field for problem in refused.value.problems] == ["project"]


def test_a_stack_of_ones_own_cannot_have_anothers_names(session: Any) -> None:
    """Nor can the names of what is in it be read in two ways."""
    for deployment in ("acme--dev", "acme-", "acme/dev/a", "acme//dev"):
        with pytest.raises(SettingsError, match="deployment"):
            Aws(session, deployment=deployment)
    for name in ("a--b", "-a", "a-", "dev/a", "a b", ""):
        with pytest.raises(StackError, match="its name is a part of names"):
            Stack("acme", [Bucket(name=name)])
