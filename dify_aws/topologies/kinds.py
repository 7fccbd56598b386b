"""Kinds: which kinds of resource an environment can have that cost a call to look for, so that AWS is asked about no
others. Kinds that are found by AWS's index of tags cost none, and are always looked for."""

from __future__ import annotations

from typing import Final

from dify_aws import resources
from dify_aws.engine.resource import Resource

ENVIRONMENT_KINDS: Final[frozenset[type[Resource]]] = frozenset(
    {
        resources.ElasticIp,
        resources.Instance,
        resources.InstanceConnectEndpoint,
        resources.InstanceProfile,
        resources.InternetGateway,
        resources.KeyPair,
        resources.NatGateway,
        resources.Role,
        resources.RouteTable,
        resources.ScheduleGroup,
        resources.SecurityGroup,
        resources.Subnet,
        resources.Volume,
        resources.Vpc,
        resources.VpcEndpoint,
    }
)
"""Those of all settings. One that no settings use any more has to stay: what an earlier version made is found by it."""
