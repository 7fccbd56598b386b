"""Kinds: which kinds of resource an environment can have, so that AWS is asked about no others."""

from __future__ import annotations

from typing import Final

from dify_aws.engine.resource import Resource
from dify_aws.resources import (
    Alarm,
    Bucket,
    ElasticIp,
    Instance,
    InstanceConnectEndpoint,
    InstanceProfile,
    InternetGateway,
    KeyPair,
    LogGroup,
    NatGateway,
    Role,
    RouteTable,
    ScheduleGroup,
    SecurityGroup,
    StoredSecret,
    Subnet,
    Topic,
    Volume,
    Vpc,
    VpcEndpoint,
)

ENVIRONMENT_KINDS: Final[frozenset[type[Resource]]] = frozenset(
    {
        Alarm,
        Bucket,
        ElasticIp,
        Instance,
        InstanceConnectEndpoint,
        InstanceProfile,
        InternetGateway,
        KeyPair,
        LogGroup,
        NatGateway,
        Role,
        RouteTable,
        ScheduleGroup,
        SecurityGroup,
        StoredSecret,
        Subnet,
        Topic,
        Volume,
        Vpc,
        VpcEndpoint,
    }
)
"""Those of all settings. One that no settings use any more has to stay: what an earlier version made is found by it."""
