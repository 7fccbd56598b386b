"""Kinds: which kinds of resource an environment can have that cost a call to look for, so that AWS is asked about no
others. Kinds that are found by AWS's index of tags cost none, and are always looked for."""

from __future__ import annotations

from typing import Final

from dify_aws.engine.resource import Resource
from dify_aws.resources import (
    ElasticIp,
    Instance,
    InstanceConnectEndpoint,
    InstanceProfile,
    InternetGateway,
    KeyPair,
    NatGateway,
    Role,
    RouteTable,
    ScheduleGroup,
    SecurityGroup,
    Subnet,
    Volume,
    Vpc,
    VpcEndpoint,
)

ENVIRONMENT_KINDS: Final[frozenset[type[Resource]]] = frozenset(
    {
        ElasticIp,
        Instance,
        InstanceConnectEndpoint,
        InstanceProfile,
        InternetGateway,
        KeyPair,
        NatGateway,
        Role,
        RouteTable,
        ScheduleGroup,
        SecurityGroup,
        Subnet,
        Volume,
        Vpc,
        VpcEndpoint,
    }
)
"""Those of all settings. One that no settings use any more has to stay: what an earlier version made is found by it."""
