"""Bundles for tests: every combination of what decides about them, rendered of one set of outputs and secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from itertools import product
from types import MappingProxyType
from typing import Any, Final

import yaml

from dify_aws.dify.records import KNOWN
from dify_aws.outputs import HostOutput, Outputs
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.settings import Settings
from dify_aws.topologies.single_host.outputs import CONTAINERS

OUTPUTS: Final = Outputs(
    deployment="dify/dev",
    region="ap-northeast-1",
    url="http://203.0.113.7",
    hosts=(
        HostOutput(
            name="host",
            public_ip="203.0.113.7",
            private_ip="10.0.1.4",
            instance_id="i-0123456789abcdef0",
            availability_zone="ap-northeast-1a",
            data_volume_id="vol-0123456789abcdef0",
        ),
    ),
    endpoints=CONTAINERS,
    vpc_id="vpc-0123456789abcdef0",
    subnets=MappingProxyType({}),
    security_groups=MappingProxyType({}),
    bucket="dify--dev-123456789012-ap-northeast-1",
    secrets=MappingProxyType({}),
    log_groups=MappingProxyType({log: f"/dify/dev/{log}" for log in ("system", "docker", "dify", "nginx")}),
    alarm_topic="arn:aws:sns:ap-northeast-1:123456789012:dify--dev--alarms",
)

# Each of them another, and none by chance: a test run is like the one before.
SECRETS: Final = DifySecrets.from_json(
    json.dumps({name: f"{number:02d}-of-{name.replace('_', '-')}" for number, name in enumerate(DifySecrets().missing)})
)

CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "vector_store": ("pgvector", "weaviate", "qdrant"),
    "storage": ("s3", "local"),
    "profile": ("compact", "full"),
    "https": (False, True),
}
COMBINATIONS: Final = tuple(dict(zip(CHOICES, choice, strict=True)) for choice in product(*CHOICES.values()))


def bundle(*, https: bool = False, digests: Mapping[str, str] | None = None, **overrides: Any) -> Bundle:
    """The bundle of settings like these; with https there is a domain."""
    domain = {"domain": "dify.example.com", "email": "ops@your-company.com"} if https else {}
    settings = Settings(environment="dev", **{**domain, **overrides})
    return Bundle.render(settings, OUTPUTS, SECRETS, https=https, digests=digests)


@cache
def every(version: str = KNOWN[-1]) -> tuple[tuple[Mapping[str, Any], Bundle], ...]:
    """Every combination with its bundle, of one release."""
    return tuple((overrides, bundle(dify_version=version, **overrides)) for overrides in COMBINATIONS)


def variables(of: Bundle) -> dict[str, str]:
    """What is in .env, read back the way Compose reads it."""
    found: dict[str, str] = {}
    for line in of.files[".env"].text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            assert name not in found, f"{name} is said twice"
            assert value[0] == value[-1] == '"'
            found[name] = value[1:-1].replace("\\$", "$").replace('\\"', '"').replace("\\\\", "\\")
    return found


def compose(of: Bundle) -> dict[str, Any]:
    """compose.yaml as data; a key that stands twice is an error, as it is for Compose."""
    return _loaded(of.files["compose.yaml"].text)


def of_dify(of: Bundle) -> dict[str, Any]:
    """The containers of dify-api, which read all variables, by the name of the service."""
    return {
        name: service for name, service in compose(of)["services"].items() if "MODE" in service.get("environment", {})
    }


def given(of: Bundle, service: str) -> dict[str, str]:
    """The environment of a container as Compose would make it, with every value filled in from .env."""
    definition = compose(of)["services"][service]
    known = variables(of)
    found: dict[str, str] = {}
    for name, value in definition.get("environment", {}).items():
        unknown = set(re.findall(r"\$\{(\w+)\}", value)) - known.keys()
        assert not unknown, f"{service}: {name} is {value}, which .env does not have"
        found[name] = re.sub(r"\$\{(\w+)\}", lambda variable: known[variable[1]], value)
    return found


@cache
def _loaded(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(text, Loader=_NoDuplicates)
    return loaded


class _NoDuplicates(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if key.value != "<<"]
        assert len(names) == len(set(names)), f"twice in one mapping: {sorted(names)}"
        return super().construct_mapping(node, deep=deep)
