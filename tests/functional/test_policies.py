"""However a policy is written, and however AWS answers it: it converges at once, and a second run changes nothing."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from dify_aws import Aws, Bucket, Resource, Role, Stack
from dify_aws.offline.world import World
from tests.support.rewritten import rewritten

BUCKET: Final = "lab-policies"
PROVIDER: Final = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
CONDITION: Final[dict[str, Any]] = {
    "StringEquals": {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": ["repo:o/r:environment:prod", "repo:o/r:ref:refs/heads/main"],
    }
}
STATEMENTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "Sid": "Read",
        "Effect": "Allow",
        "Principal": {"AWS": ["210987654321", "321098765432"]},
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/a/*", f"arn:aws:s3:::{BUCKET}/b/*"],
    },
    {
        "Sid": "List",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": ["s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{BUCKET}"],
        "Condition": {"Bool": {"aws:SecureTransport": True}},
    },
)
INLINE: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::x/*", "arn:aws:s3:::y/*"],
        },
        {"Effect": "Deny", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::z"]},
    ],
}


def stack(seed: int | None = None) -> list[Resource]:
    """A bucket and a role, with their policies written in one of many ways."""

    def written(part: Any) -> Any:
        return part if seed is None else rewritten(part, seed, case=False)

    return [
        Bucket(name="b", bucket_name=BUCKET, statements=[written(each) for each in STATEMENTS]),
        Role(
            name="r",
            service=PROVIDER,
            trust_condition=written(CONDITION),
            policies={"inline": written(INLINE), "one": {**INLINE, "Statement": INLINE["Statement"][0]}},
        ),
    ]


def run(world: World, seed: int | None = None) -> tuple[Stack, Aws]:
    return Stack("lab", stack(seed)), Aws(world.session, deployment="lab")


@pytest.mark.parametrize("seed", range(8))
def test_written_otherwise_it_is_no_change(world: World, seed: int) -> None:
    """Made in one form, then wished for in another: the first apply converges, the second one does nothing."""
    made, aws = run(world, seed)
    made.apply(aws)
    for other in (seed, None, seed + 1000):
        again, aws = run(world, other)
        assert not again.plan(aws), str(again.plan(aws))
    world.forget_calls()
    again, aws = run(world, seed + 2000)
    assert not again.apply(aws)
    assert world.writes == []


@pytest.mark.parametrize("seed", range(4))
def test_another_value_by_request_is_no_change(world: World, seed: int) -> None:
    """Somebody saves the same policies in the console, in another form."""
    ours, aws = run(world)
    ours.apply(aws)
    s3, iam = world.session.client("s3"), world.session.client("iam")
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(rewritten(policy, seed, case=False)))
    name = aws.physical_name("role/r", aws.region)
    role: Any = iam.get_role(RoleName=name)["Role"]
    trust = json.dumps(rewritten(role["AssumeRolePolicyDocument"], seed, case=False))
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    text = json.dumps(rewritten(INLINE, seed, case=False))
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=text)
    again, aws = run(world)
    assert not again.plan(aws), str(again.plan(aws))


def test_more_than_was_desired_is_drift_wherever_it_stands(world: World) -> None:
    """A second statement in a trust policy, one more principal, one more action: each is put right."""
    ours, aws = run(world)
    ours.apply(aws)
    s3, iam = world.session.client("s3"), world.session.client("iam")
    name = aws.physical_name("role/r", aws.region)
    role: Any = iam.get_role(RoleName=name)["Role"]
    trust = role["AssumeRolePolicyDocument"]
    eve = {"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(
        RoleName=name, PolicyDocument=json.dumps({**trust, "Statement": [eve, trust["Statement"]]})
    )
    more = {**INLINE, "Statement": [{**INLINE["Statement"][0], "Action": ["s3:*"]}, INLINE["Statement"][1]]}
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(more))
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    everybody = [{**each, "Principal": {"AWS": "*"}} for each in policy["Statement"]]
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({**policy, "Statement": everybody}))
    # S3 shows what a hand has changed in turns with what was there before, for half a minute.
    world.clock.sleep(60)
    again, aws = run(world)
    plan = again.plan(aws)
    assert {action.address: {change.attribute for change in action.changes} for action in plan} == {
        "bucket/b": {"statements"},
        "role/r": {"service", "trust_condition", "policies"},
    }
    again.apply(aws)
    assert not again.plan(aws)
