"""A release with one more service is installed by its record alone, with no change of the code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from dify_aws import Deployment, check_release
from dify_aws.dify.drafts.record_text import record_text
from dify_aws.dify.records import known
from dify_aws.dify.release import Release
from dify_aws.dify.routes import Route
from dify_aws.dify.service import Need, Service
from dify_aws.dify.variable_types import ValueType
from dify_aws.dify.variables import Reader, Variable
from dify_aws.host.errors import InstallFailed
from dify_aws.limits import limits_of
from dify_aws.offline.machine.dify import well
from dify_aws.offline.world import World
from dify_aws.runtimes.compose.smoke import smoke
from dify_aws.settings import Settings
from tests.support.bundles import bundle, compose, given

NAME: Final = "translator"
IMAGE: Final = "example/translator:1.18.0"


def release_with_one_more(**changes: Any) -> Release:
    """1.18.0 as it could be: 1.17.1, and a service that answers /translate."""
    base = known("1.17.1")
    service = Service(
        name=NAME,
        image=NAME,
        ports=(7000,),
        health="/ready",
        needs=(Need(service="redis", condition="healthy"),),
        memory_mib=256,
    )
    variables = {
        "TRANSLATOR_LANGUAGES": Variable(
            name="TRANSLATOR_LANGUAGES", default="en,$ja", readers=(Reader(service=NAME, name="LANGUAGES"),)
        ),
        "TRANSLATOR_WORKERS": Variable(name="TRANSLATOR_WORKERS", default="2", readers=(Reader(service=NAME),)),
        "LOG_LEVEL": replace(
            base.variables["LOG_LEVEL"], readers=(*base.variables["LOG_LEVEL"].readers, Reader(service=NAME))
        ),
    }
    return replace(
        base,
        version="1.18.0",
        images={**base.images, NAME: IMAGE},
        services={**base.services, NAME: replace(service, **changes)},
        variables=dict(sorted({**base.variables, **variables}.items())),
        types={**base.types, "TRANSLATOR_WORKERS": ValueType(type="int", least=1)},
        routes=(*base.routes, Route(path="/translate", service=NAME, port=7000)),
    )


@pytest.fixture
def record(tmp_path: Path) -> Path:
    file = tmp_path / "1.18.0.toml"
    file.write_text(record_text(release_with_one_more()))
    return file


@pytest.fixture
def chosen(record: Path) -> dict[str, Any]:
    return {"dify_version": "1.18.0", "release": str(record)}


def test_its_record_is_whole_and_nothing_is_missing_to_install_it(record: Path) -> None:
    check = check_release(record)
    assert (check.problems, check.gaps) == ((), ())


def test_it_is_rendered_limited_in_memory_and_given_its_variables(chosen: dict[str, Any]) -> None:
    rendered = bundle(**chosen, env={"TRANSLATOR_WORKERS": "4"})
    service = compose(rendered)["services"][NAME]
    assert (service["image"], service["mem_limit"]) == (IMAGE, "256m")
    assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert "http://localhost:7000/ready" in service["healthcheck"]["test"][1]
    assert service["environment"]["LANGUAGES"] == "en,$$ja", "what Compose reads as en,$ja"
    result = given(rendered, NAME)
    assert (result["TRANSLATOR_WORKERS"], result["LOG_LEVEL"]) == ("4", "INFO")
    assert result.keys() == {"LANGUAGES", "TRANSLATOR_WORKERS", "LOG_LEVEL"}, "and no secret of others"
    assert IMAGE in rendered.images


def test_its_path_is_routed_to_it_and_its_memory_counts(chosen: dict[str, Any]) -> None:
    assert "set $translator translator:7000;" in bundle(**chosen).files["nginx/nginx.conf"].text
    assert "location /translate/" in bundle(**chosen).files["nginx/nginx.conf"].text
    settings = Settings(environment="dev", **chosen, profile="full", concurrency=150)
    without = Settings(environment="dev", profile="full", concurrency=150)
    assert limits_of(settings).sizes.memory[NAME] == 256
    assert limits_of(settings).machine_mib("pgvector") > limits_of(without).machine_mib("pgvector")


def test_the_plan_shows_it_and_a_deploy_runs_and_probes_it(world: World, chosen: dict[str, Any]) -> None:
    """On a machine with the release before; the second deploy changes nothing."""
    Deployment(Settings(environment="dev"), session=world.session).deploy()
    upgrade = Deployment(Settings(environment="dev", **chosen), session=world.session)
    plan = str(upgrade.plan())
    assert f"containers to be replaced: {NAME}" in plan or f", {NAME}" in plan
    upgrade.deploy()
    (machine,) = world.connectivity.machines.values()
    found = well(machine, NAME)
    assert found is not None
    assert (found.image.partition("@")[0], found.memory_mib, found.watched) == (IMAGE, 256, True)
    assert not upgrade.plan()


def test_one_that_is_not_healthy_fails_the_installation(world: World, chosen: dict[str, Any]) -> None:
    deployment = Deployment(Settings(environment="dev", **chosen), session=world.session)
    deployment.deploy()
    (machine,) = world.connectivity.machines.values()
    machine.engine.ails[NAME] = "unhealthy"
    with pytest.raises(InstallFailed, match="translator runs, and its healthcheck fails"):
        deployment.install()


def test_it_is_probed_at_the_end_and_one_without_a_health_path_has_to_stay_up(tmp_path: Path) -> None:
    for changes, about in (({}, f"{NAME} answers"), ({"health": ""}, f"{NAME} stays up")):
        file = tmp_path / "1.18.0.toml"
        file.write_text(record_text(release_with_one_more(**changes)))
        settings = Settings(environment="dev", dify_version="1.18.0", release=str(file))
        assert about in {probe.about for probe in smoke(settings, "http://203.0.113.7")}


def test_one_without_a_limit_of_memory_is_missing_something(tmp_path: Path) -> None:
    file = tmp_path / "1.18.0.toml"
    file.write_text(record_text(release_with_one_more(memory_mib=0)))
    (gap,) = check_release(file).gaps
    assert "translator has no definition" in gap
