"""ReaderGrants: what looking at a deployment needs beside Describe and List, and what entering its machine needs."""

from __future__ import annotations

from typing import Final

from dify_aws.iam_policies.grants import CREATED_OURS, EC2, NAMED, NETWORK, OURS, ROLES, SECRETS, Grant
from dify_aws.resources.vpc.lease_tag import PREFIX

READER: Final = (
    # A plan compares the public half of the SSH key, which is no secret. The others are, and no plan needs them. Behind
    # the name are a hyphen and six characters that AWS has chosen.
    Grant("PublicKey", "secretsmanager:GetSecretValue", (SECRETS.removesuffix("*") + "ssh-public-key-??????",)),
)

RULES: Final = EC2 + "security-group-rule/*"
OF_LEASES: Final = {"ForAllValues:StringLike": {"aws:TagKeys": PREFIX + "*"}}

OPERATOR: Final = (
    # With the private half somebody is root on the machine, and finds all other secrets there.
    Grant("Secrets", "secretsmanager:GetSecretValue", (SECRETS,)),
    Grant("Open", "ec2:AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress", (EC2 + "security-group/*",), OURS),
    Grant("OpenRule", "ec2:AuthorizeSecurityGroupIngress", (RULES,)),
    Grant("TagRule", "ec2:CreateTags", (RULES,), {"Null": {"ec2:CreateAction": "false"}, **CREATED_OURS}),
    Grant("JoinLease", "ec2:CreateTags", (RULES,), {**OURS, **OF_LEASES}),
    *(grant for grant in (*NETWORK, *NAMED) if grant.sid in ("EndLeases", "Leases", "Tunnel")),
    Grant(
        "PassRole",
        "iam:PassRole",
        (ROLES.removesuffix("*") + "{name}--leases--{region}",),
        {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
    ),
)
