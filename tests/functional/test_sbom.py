"""The software bill of materials: by the schema of CycloneDX, and whole, with the digests that a run has recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from dify_aws import Deployment, Foundation, Settings, offline
from dify_aws.operations.sbom import sbom
from dify_aws.runtimes.compose.bundle import references
from tests.support.bundles import COMBINATIONS
from tests.support.shell import Shell

DIGEST = f"sha256:{'a' * 64}"


def settings(**overrides: Any) -> Settings:
    if overrides.pop("https", False):
        overrides |= {"domain": "dify.example.com", "email": "ops@your-company.com"}
    return Settings(environment="dev", **overrides)


def purls(text: str) -> set[str]:
    return {part["purl"] for part in json.loads(text)["components"]}


def test_it_is_by_the_schema() -> None:
    """In every combination, with digests and without, and with images of one's own."""
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    mirror = {"nginx": "registry.example.com:5000/a/nginx@" + DIGEST, "squid": "localhost:5000/squid:1"}
    for overrides in [*COMBINATIONS, {"images": mirror}, {"docker_source": "distribution"}]:
        wanted = settings(**overrides)
        for digests in ({}, dict.fromkeys(references(wanted), DIGEST)):
            text = sbom(wanted, digests)
            assert validator.validate_str(text) is None
            assert text == sbom(wanted, digests)
    broken = sbom(settings(), {}).replace('"type": "container"', '"type": "crate"')
    assert validator.validate_str(broken) is not None


def test_everything_is_in_it() -> None:
    """Each image once, with its digest; what apt is asked for; and our own packages with what they need."""
    wanted = settings(vector_store="weaviate")
    text = sbom(wanted, {"redis:7.4.9-alpine": DIGEST})
    found = purls(text)
    pinned = f"pkg:oci/redis@sha256%3A{'a' * 64}?repository_url=docker.io%2Flibrary%2Fredis&tag=7.4.9-alpine"
    weaviate = "pkg:oci/weaviate?repository_url=cr.weaviate.io%2Fsemitechnologies%2Fweaviate&tag=1.39.2"
    assert {pinned, weaviate, "pkg:deb/docker/docker-ce", "pkg:deb/amazon/amazon-cloudwatch-agent"} <= found
    assert sum(purl.startswith("pkg:oci/") for purl in found) == len(references(wanted))
    python = {purl.partition("@")[0] for purl in found if purl.startswith("pkg:pypi/")}
    assert {"pkg:pypi/dify-aws", "pkg:pypi/boto3", "pkg:pypi/urllib3", "pkg:pypi/bcrypt"} <= python
    assert "pkg:pypi/moto" not in python
    (redis,) = (part for part in json.loads(text)["components"] if part["purl"] == pinned)
    assert redis["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


def test_a_run_records_its_digests_and_the_command_finds_them() -> None:
    """In the history of the deployment; without a record the images are there by their tags."""
    with offline() as world:
        Foundation(region="ap-northeast-1", session=world.session).apply()
        deployment = Deployment(Settings(environment="dev"), session=world.session)
        deployment.deploy()
        newest = deployment.history()[0]
        assert newest.images.keys() == set(references(deployment.settings))
        assert all(digest.startswith("sha256:") for digest in newest.images.values())
        assert not [change for change in newest.changes if change["verb"] == "image"]
        shell = Shell(world.session)
        result = shell("sbom")
        assert result.status == 0
        assert purls(result.out) == purls(sbom(deployment.settings, newest.images))
        assert purls(shell("sbom --json").out) == purls(result.out)
        assert purls(shell("sbom --unrecorded").out) == purls(sbom(deployment.settings, {}))


@pytest.mark.parametrize("name", ["nginx", "ghcr.io/a/b", "localhost:5000/a"])
def test_a_repository_has_its_host(name: str) -> None:
    """Which is Docker Hub's, if none is named."""
    text = sbom(settings(images={"nginx": f"{name}:1"}), {})
    host = name if "/" in name else f"docker.io/library/{name}"
    assert f"repository_url={host.replace('/', '%2F').replace(':', '%3A')}&tag=1" in text
