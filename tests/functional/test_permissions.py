"""The policies are enough for every call of every path, and no more than that; AWS's reference and parliament agree."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from dify_aws import Permissions, Settings, SettingsError, permissions
from dify_aws.deployment import VERBS
from dify_aws.engine.resource import kinds
from dify_aws.iam_policies import grants
from dify_aws.iam_policies.policy_document import MANAGED_POLICY, size
from dify_aws.permissions import LEFT_OUT, TO_EXPLAIN, declared
from tests.support.every_path import SETTINGS, Paths, walk
from tests.support.iam_policy import Policies, Request
from tests.support.iam_reference import EC2, ELSEWHERE, PAGES

ACCOUNT = "123456789012"
LONGEST = Settings(project="p" * 16, environment="e" * 16, region="us-gov-west-1")
INLINE_POLICIES = 10_240
"""Characters of all inline policies of a role together."""


@pytest.fixture(scope="module")
def paths() -> Paths:
    return walk()


def allowed() -> Permissions:
    return permissions(SETTINGS, ACCOUNT)


def refused(policies: Policies, paths: Paths, *whose: str) -> str:
    """What would not be allowed, a line each, with the operation that asks it."""
    return "\n".join(
        f"{paths.operations.get(text, 'a tunnel')}: {request}"
        for who in whose
        for text, request in paths.requested[who].items()
        if not policies.allow(request)
    )


def test_every_call_of_every_path_is_allowed_and_nothing_else(paths: Paths) -> None:
    """Each identity is allowed what it asks in all that it does, and has no action and no resource that it never asks
    for. (One test, because the paths take long to walk, and each process that tests would have to.)"""
    deployer = Policies(allowed().deployer)
    assert refused(deployer, paths, *DEPLOYING) == ""
    assert unused(deployer) == []
    assert superfluous(allowed().deployer, paths) == set()

    reader = Policies(allowed().reader)
    assert refused(reader, paths, "reader", "looker") == ""
    assert unused(reader) == []
    assert superfluous(allowed().reader, paths, "reader", "looker") == set()

    operator = Policies(allowed().operator)
    assert refused(reader, paths, "operator")
    assert refused(operator, paths, "operator", "reader", "looker", "tunnel") == ""
    assert unused(operator) == []
    assert superfluous(allowed().operator, paths, "operator", "reader", "looker", "tunnel") == set()

    adopter = Policies({**allowed().deployer, **allowed().adoption})
    assert refused(deployer, paths, "adopter")
    assert refused(adopter, paths, "adopter") == ""
    assert [each for each in unused(adopter) if each.startswith("adoption/")] == []

    guest = Policies(permissions(paths.guest, ACCOUNT).deployer)
    assert refused(deployer, paths, "guest")
    assert refused(guest, paths, "guest") == ""
    assert [each for each in unused(guest) if "/Existing" in each] == []

    # Where there is a role of GitHub, the foundation has made the table of locks; and no workflow makes a diagnosis.
    github = Policies(allowed().github)
    # What prevents a destroy is explained in a workflow without what only explanations read.
    missing = refused(github, paths, "deployer", "hindered", "tunnel", "reader").splitlines()
    assert {line.partition(":")[0].replace(".", ":") for line in missing} == TO_EXPLAIN
    assert unused(github) == []
    assert refused(Policies(permissions(paths.guest, ACCOUNT).github), paths, "guest") == ""

    foundation = Policies(allowed().foundation)
    assert refused(foundation, paths, "foundation") == ""
    assert unused(foundation) == []
    assert superfluous(allowed().foundation, paths, "foundation") == set()


DEPLOYING = ("first", "deployer", "hindered", "operator", "tunnel", "reader", "looker")


def superfluous(documents: Mapping[str, Any], paths: Paths, *whose: str) -> set[str]:
    """The statements that could be left out, because all that they allow is allowed by others as well."""
    policies = Policies(documents)
    allowing = [policies.allowing(each) for who in whose or DEPLOYING for each in paths.requested[who].values()]
    every = {f"{name}/{each['Sid']}" for name, document in documents.items() for each in document["Statement"]}
    return every - {names[0] for names in allowing if len(names) == 1}


def unused(policies: Policies) -> list[str]:
    return sorted(f"{each.statement}: {each.part}" for each in policies.unused())


def test_every_declared_action_is_granted_or_left_out_with_a_reason() -> None:
    """What the kinds of resources and the operations declare is what is granted. Both ways: a new action needs a row in
    dify_aws/iam_policies/grants.py, and a row without need is taken out."""
    granted = {
        action
        for grant in (*grants.LOOKING, *grants.NETWORK, *grants.IDENTITIES, *grants.STORAGE, *grants.NAMED)
        for action in grant.named()
    }
    missing = {action: declarers(action) for action in declared() - granted}
    assert missing == {action: declarers(action) for action in LEFT_OUT}
    assert granted - declared() == set()


def declarers(action: str) -> set[str]:
    """The kinds of resources and the operations that say that they need an action."""
    kinds_of = {f"the kind {name}" for name, kind in kinds().items() if action in kind.permissions}
    return kinds_of | {f"the verb {verb.name}" for verb in VERBS if action in verb.actions}


def every_document(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    for identity, documents in permissions(settings, ACCOUNT).to_dict().items():
        for name, document in documents.items():
            yield f"{identity}/{name}", document


def test_they_fit() -> None:
    """Each into a managed policy, and all of GitHub's into one role; also with the longest names (but for that not in
    GovCloud, whose ARNs are longer)."""
    there = {
        "vpc_id": f"vpc-{'0' * 17}",
        "public_subnet_id": f"subnet-{'0' * 17}",
        "private_subnet_id": f"subnet-{'1' * 17}",
    }
    long, abroad = LONGEST.replace(region=SETTINGS.region), LONGEST.replace(project="p" * 10)
    bounded = SETTINGS.replace(permissions_boundary=f"arn:aws:iam::{ACCOUNT}:policy/{'b' * 128}")
    for settings in (bounded, SETTINGS, SETTINGS.replace(**there), long, abroad, LONGEST):
        for identity, document in every_document(settings):
            assert identity.startswith("github/") or size(document) <= MANAGED_POLICY, identity
        if settings != LONGEST:
            github = sum(size(document) for document in permissions(settings, ACCOUNT).github.values())
            assert github <= INLINE_POLICIES, settings


OTHERS = {"aws:ResourceTag/dify-aws:deployment": ("dify/prod",)}
EC2_ARN = f"arn:aws:ec2:ap-northeast-1:{ACCOUNT}"
IAM_ARN = f"arn:aws:iam::{ACCOUNT}"
HERE = {"aws:RequestedRegion": ("ap-northeast-1",)}
ABROAD = {"aws:RequestedRegion": ("eu-west-1",)}
CREATED = {"aws:RequestTag/dify-aws:deployment": ("dify/dev",), "aws:TagKeys": ("dify-aws:deployment",)}

NOT_OURS = [
    Request("ec2:TerminateInstances", f"{EC2_ARN}:instance/i-1", OTHERS),
    Request("ec2:TerminateInstances", f"{EC2_ARN}:instance/i-1", {}),
    Request("ec2:CreateTags", f"{EC2_ARN}:instance/i-1", CREATED),
    Request("ec2:CreateTags", f"{EC2_ARN}:instance/i-1", {**CREATED, **OTHERS}),
    Request("ec2:DeleteVpc", f"{EC2_ARN}:vpc/vpc-1", {}),
    Request("ec2:CreateVpc", f"{EC2_ARN}:vpc/*", {}),
    Request("ec2:RunInstances", f"{EC2_ARN}:subnet/subnet-1", OTHERS),
    Request("ec2:DescribeInstances", "*", ABROAD),
    Request("iam:CreateRole", f"{IAM_ARN}:role/admin", CREATED),
    Request(
        "iam:PutRolePolicy", f"{IAM_ARN}:role/dify-aws/dify/prod/ap-northeast-1/dify--prod--host--ap-northeast-1", {}
    ),
    Request(
        "iam:AttachRolePolicy", f"{IAM_ARN}:role/dify-aws/dify/dev/ap-northeast-1/dify--dev--host--ap-northeast-1", {}
    ),
    Request("iam:PassRole", f"{IAM_ARN}:role/admin", {"iam:PassedToService": ("ec2.amazonaws.com",)}),
    Request(
        "iam:PassRole",
        f"{IAM_ARN}:role/dify-aws/dify/dev/ap-northeast-1/dify--dev--host--ap-northeast-1",
        {"iam:PassedToService": ("lambda.amazonaws.com",)},
    ),
    Request("s3:GetObject", "arn:aws:s3:::dify--dev-123456789012-ap-northeast-1/uploads/a", {}),
    Request("s3:PutObject", "arn:aws:s3:::dify--foundation--state-123456789012-ap-northeast-1/records/dify/prod/1", {}),
    Request("s3:DeleteBucket", "arn:aws:s3:::dify--foundation--state-123456789012-ap-northeast-1", {}),
    Request(
        "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:ap-northeast-1:{ACCOUNT}:secret:dify/prod/a-a1B2c3"
    ),
    Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:dify/dev/a-a1B2c3"),
    Request(
        "dynamodb:PutItem",
        f"arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table/dify-aws-locks",
        {"dynamodb:LeadingKeys": ("dify/prod",)},
    ),
    Request("dynamodb:DeleteTable", f"arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table/dify-aws-locks", {}),
    Request("cloudtrail:StopLogging", f"arn:aws:cloudtrail:ap-northeast-1:{ACCOUNT}:trail/dify--foundation--calls", {}),
    *(
        Request(f"iam:{action}", f"{IAM_ARN}:role/dify-dev-billing-admin-ap-northeast-1")
        for action in ("PutRolePolicy", "UpdateAssumeRolePolicy", "DeleteRole", "TagRole")
    ),
    *(
        Request(action, arn, {**CREATED, "aws:ResourceTag/dify-aws:deployment": ("dify/dev-2",)})
        for action, arn in (
            ("sns:TagResource", f"arn:aws:sns:ap-northeast-1:{ACCOUNT}:dify--dev-2--alarms"),
            ("sns:DeleteTopic", f"arn:aws:sns:ap-northeast-1:{ACCOUNT}:dify--dev-2--alarms"),
            ("cloudwatch:TagResource", f"arn:aws:cloudwatch:ap-northeast-1:{ACCOUNT}:alarm:dify--dev-2--cpu"),
            ("scheduler:DeleteSchedule", f"arn:aws:scheduler:ap-northeast-1:{ACCOUNT}:schedule/dify--dev-2--leases/x"),
        )
    ),
    Request("organizations:LeaveOrganization", "*", HERE),
]

FOUNDATIONS = [
    *(
        Request(
            action, f"{IAM_ARN}:role/dify-aws/dify/foundation/ap-northeast-1/dify--foundation--github--ap-northeast-1"
        )
        for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole")
    ),
    *(
        Request(action, f"arn:aws:s3:::dify--foundation--{bucket}-123456789012-ap-northeast-1")
        for bucket in ("state", "calls")
        for action in ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration")
    ),
    Request(
        "s3:DeleteObjectVersion", "arn:aws:s3:::dify--foundation--state-123456789012-ap-northeast-1/records/dify/dev/1"
    ),
    Request("iam:PutRolePolicy", f"{IAM_ARN}:role/dify-aws/other/dev/ap-northeast-1/x"),
    Request(
        "ec2:TerminateInstances", f"{EC2_ARN}:instance/i-1", {"aws:ResourceTag/dify-aws:deployment": ("other/dev",)}
    ),
    Request(
        "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:ap-northeast-1:{ACCOUNT}:secret:other/dev/a-a1B2c3"
    ),
]


def test_what_is_not_ours_is_out_of_reach() -> None:
    """Other environments, other projects, other regions, the foundation, and what others have made."""
    for identity in ("deployer", "reader", "operator", "github"):
        policies = Policies(getattr(allowed(), identity))
        assert [str(request) for request in (*NOT_OURS, *FOUNDATIONS) if policies.allow(request)] == [], identity


SECRETS = ("application", "ssh-private-key", "ssh-public-key-2", "ssh-private-key/ssh-public-key")


def test_a_reader_opens_no_secret_and_changes_nothing() -> None:
    """Neither the password of the admin nor the key of the machine; an operator does, and lets people in, no more."""
    reader, operator = Policies(allowed().reader), Policies(allowed().operator)
    secret = f"arn:aws:secretsmanager:ap-northeast-1:{ACCOUNT}:secret:dify/dev"
    for name in SECRETS:
        assert not reader.allow(Request("secretsmanager:GetSecretValue", f"{secret}/{name}-a1B2c3", HERE)), name
    assert reader.allow(Request("secretsmanager:GetSecretValue", f"{secret}/ssh-public-key-a1B2c3", HERE))
    assert operator.allow(Request("secretsmanager:GetSecretValue", f"{secret}/ssh-private-key-a1B2c3", HERE))
    assert {each for each in actions(allowed().reader) if not is_reading(each)} == set()
    assert {each for each in actions(allowed().operator) if not is_reading(each)} == {
        "ec2-instance-connect:OpenTunnel",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateTags",
        "ec2:DeleteTags",
        "ec2:RevokeSecurityGroupIngress",
        "iam:PassRole",
        "scheduler:CreateSchedule",
        "scheduler:DeleteSchedule",
        "scheduler:UpdateSchedule",
    }
    ours = {"aws:ResourceTag/dify-aws:deployment": ("dify/dev",), "aws:TagKeys": ("dify-aws:address",), **HERE}
    for kind in ("instance/i-1", "volume/vol-1", "security-group/sg-1", "security-group-rule/sgr-1"):
        assert not operator.allow(Request("ec2:CreateTags", f"{EC2_ARN}:{kind}", ours)), kind


def actions(documents: Mapping[str, Any]) -> set[str]:
    """All actions of some policies."""
    statements = [statement for document in documents.values() for statement in document["Statement"]]
    found = [each["Action"] for each in statements]
    return {action for each in found for action in ([each] if isinstance(each, str) else each)}


def is_reading(action: str) -> bool:
    """Whether it changes nothing, by its name."""
    return action.partition(":")[2].startswith(("Describe", "Get", "List", "Lookup"))


def test_nothing_is_allowed_wholesale() -> None:
    """No action is a pattern, nothing is passed on to anything, and all things are meant only where there is no other
    way: in what looks, in leaving a topic, and in what counts for the whole account."""
    for settings in (SETTINGS, LONGEST):
        for name, document in every_document(settings):
            for statement in document["Statement"]:
                actions = statement.get("Action", statement.get("NotAction"))
                assert "*" not in str(actions), name
                if "*" in (
                    [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
                ):
                    listed = [actions] if isinstance(actions, str) else actions
                    left = [each.partition(":")[2] for each in listed if not is_reading(each)]
                    assert set(left) <= {"Unsubscribe", "PutAccountPublicAccessBlock", "PutMetricData"}, name


def test_printed_they_are_json_and_of_the_partition_of_the_region() -> None:
    assert json.loads(str(allowed())) == allowed().to_dict()
    assert "arn:aws:" not in str(permissions(LONGEST, ACCOUNT))
    assert "arn:aws:" in str(allowed())
    with pytest.raises(SettingsError, match="twelve digits"):
        permissions(SETTINGS, "dev")


def test_a_judge_that_does_not_know_says_so() -> None:
    """An operator, or a part of a statement, that it was not taught is an error, and neither yes nor no."""
    anything = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    for unknown in ({"Condition": {"DateLessThan": {"aws:CurrentTime": "2030"}}}, {"Principal": "*"}):
        with pytest.raises(NotImplementedError):
            Policies({"x": {"Statement": [{**anything, **unknown}]}}).allow(Request("s3:GetObject", "arn:aws:s3:::a/b"))


@cache
def parliament() -> ModuleType:
    with warnings.catch_warnings():
        # It asks setuptools for the place of its data, which warns of that.
        warnings.simplefilter("ignore")
        return import_module("parliament")


LATER_THAN_PARLIAMENT = {"ec2:ModifyInstanceConnectEndpoint"}
"""Of August 2025. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceConnectEndpoint.html"""

INHERENT = ("RESOURCE_POLICY_PRIVILEGE_ESCALATION", "s3:PutBucketPolicy")
"""Whoever makes buckets that take no request without TLS writes their policies, and could write more into them: AWS has
no condition on what a policy says."""


def test_parliament_finds_nothing() -> None:
    """But that it looks at one statement at a time: of an action that is judged on several things it wants all of them
    in one, where ours have different conditions. What it misses there has to be in the other statements."""
    for settings in (SETTINGS, LONGEST):
        for name, document in every_document(settings):
            for finding in parliament().analyze_policy_string(json.dumps(document)).findings:
                left = explained(finding, document)
                assert left == [], f"{name}: {finding}"


def explained(finding: Any, document: Mapping[str, Any]) -> list[str]:
    """What of a finding is left when all statements are looked at together."""
    if finding.issue == "RESOURCE_MISMATCH":
        return [each for each in finding.detail if not covered(each["action"], each["required_format"], document)]
    if finding.issue == INHERENT[0] and INHERENT[1] in finding.detail:
        return []
    if finding.issue == "UNKNOWN_ACTION" and finding.location["string"] in LATER_THAN_PARLIAMENT:
        return []
    return [finding.issue]


def covered(action: str, form: str, document: Mapping[str, Any]) -> bool:
    """Whether some statement allows the action on things with ARNs of that form."""
    return any(
        parliament().is_arn_match("", form, resource)
        for statement in document["Statement"]
        if action in statement.get("Action", ())
        for resource in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    )


def test_the_table_of_what_is_judged_agrees_with_the_reference_of_aws() -> None:
    """Each kind that AWS always judges is in our table, and each in the table is one that it may judge."""
    assert PAGES.keys() >= {row.partition(".")[0] for row in ELSEWHERE}
    (ec2,) = [service for service in parliament().iam_definition if service["prefix"] == "ec2"]
    known = {
        each["privilege"]: {kind["resource_type"] for kind in each["resource_types"]} for each in ec2["privileges"]
    }
    for operation, row in EC2.items():
        if f"ec2:{operation}" in LATER_THAN_PARLIAMENT:
            continue
        ours = {word.lstrip("+").partition("=")[0] for word in row.split()} - {"pass"}
        always = {kind.removesuffix("*") for kind in known[operation] if kind.endswith("*")}
        assert always <= ours, operation
        assert ours <= {kind.removesuffix("*") for kind in known[operation]}, operation
