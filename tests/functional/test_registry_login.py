"""A registry of one's own: all images come from it, by a login in AWS Secrets Manager and one file of root."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from dify_aws import Deployment, DifyAwsError, Settings, SettingsError
from dify_aws.dify.known_releases import RELEASES, images
from dify_aws.host.errors import InstallFailed
from dify_aws.offline import offline
from dify_aws.offline.machine.machine import Machine
from dify_aws.offline.world import World
from dify_aws.runtimes.compose.registry import FOLDER

SECRET = "dify/dev/registry"
PASSWORD = "correct-horse-battery"
SETTINGS = Settings(
    environment="dev", image_registry="registry.example.com:5000/mirror", registry_secret=SECRET, nat_gateway=False
)


@pytest.fixture
def world() -> Iterator[World]:
    """Where the registry asks for a login."""
    with offline() as world:

        def guarded(order: str) -> None:
            for machine in world.connectivity.machines.values():
                machine.engine.logins["registry.example.com:5000"] = f"robot:{PASSWORD}"

        world.connectivity.before = guarded
        yield world


def put(world: World, text: str) -> None:
    world.session.client("secretsmanager").create_secret(Name=SECRET, SecretString=text)


def machine(world: World) -> Machine:
    (found,) = world.connectivity.machines.values()
    return found


def test_all_images_come_from_it_and_the_login_is_nowhere_else(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """In no command, log or report, and in no file that anybody but root can read; the second run changes nothing."""
    put(world, json.dumps({"username": "robot", "password": PASSWORD}))
    guarded, orders = world.connectivity.before, list[str]()

    def noted(order: str) -> None:
        guarded(order)
        orders.append(order)

    world.connectivity.before = noted
    deployment = Deployment(SETTINGS, session=world.session)
    deployment.apply()
    with caplog.at_level(logging.DEBUG, logger="dify_aws"):
        report = deployment.install()
    pulled = [order for order in orders if " pull " in order]
    assert pulled
    pull = f"docker --config {FOLDER} pull --quiet registry.example.com:5000/mirror/"
    assert all(order.startswith(pull) for order in pulled)
    file = machine(world).files.get(f"{FOLDER}/config.json")
    folder = machine(world).files.get(FOLDER)
    assert file
    assert folder
    assert (file.mode, file.owner, folder.mode) == (0o600, "0:0", 0o700)
    encoded = json.loads(file.data)["auths"]["registry.example.com:5000"]["auth"]
    for content in ("\n".join(orders), caplog.text, str(report), report.to_json()):
        assert PASSWORD not in content
        assert encoded not in content
    for path in machine(world).files.below("/"):
        entry = machine(world).files.get(path)
        if entry and path != f"{FOLDER}/config.json":
            assert PASSWORD.encode() not in entry.data
            assert encoded.encode() not in entry.data
    assert not deployment.install()


def test_a_password_that_was_changed_in_aws_reaches_the_machine(world: World) -> None:
    """With the next run; nothing is shown of either."""
    put(world, json.dumps({"username": "robot", "password": PASSWORD}))
    deployment = Deployment(SETTINGS, session=world.session)
    deployment.deploy()
    world.session.client("secretsmanager").put_secret_value(
        SecretId=SECRET, SecretString=json.dumps({"username": "robot", "password": "another-one"})
    )
    report = deployment.install()
    assert report.named("done") == (f"file {FOLDER}/config.json",)
    assert "another-one" not in str(report)


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "{}",
        '{"username": "robot"}',
        '["robot", "hunter2"]',
        '{"username": "robot", "password": ["hunter2"]}',
    ],
)
def test_what_is_no_login_is_reported_and_not_shown(text: str, world: World) -> None:
    """Nothing is done on the machine that needs a secret."""
    put(world, text)
    deployment = Deployment(SETTINGS, session=world.session)
    deployment.apply()
    with pytest.raises(
        DifyAwsError, match=r"is no login to a registry.*create-secret .* --name dify/dev/registry"
    ) as caught:
        deployment.install()
    assert "hunter2" not in str(caught.value)
    (machine,) = world.connectivity.machines.values()
    assert machine.files.get("/opt/dify") is None


def test_a_secret_that_is_not_there_is_reported_with_how_to_make_it(world: World) -> None:
    """The command says from which file, so that no password gets into the history of a shell."""
    deployment = Deployment(SETTINGS, session=world.session)
    deployment.apply()
    with pytest.raises(DifyAwsError, match=r"there is no secret dify/dev/registry in .*--secret-string file://"):
        deployment.install()


def test_a_login_that_does_not_count_is_reported(world: World) -> None:
    """As the registry has it: without or with a wrong one it is the same."""
    put(world, json.dumps({"username": "robot", "password": "of-last-year"}))
    deployment = Deployment(SETTINGS, session=world.session)
    deployment.apply()
    with pytest.raises(InstallFailed, match="look whether it still counts") as caught:
        deployment.install()
    assert "of-last-year" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "wrong"),
    [
        ({"image_registry": "https://registry.example.com"}, "is no registry"),
        ({"image_registry": "mirror"}, "is no registry"),
        ({"image_registry": "Registry.example.com/Mirror"}, "is no registry"),
        ({"image_registry": "registry.example.com/a b"}, "is no registry"),
        ({"registry_secret": SECRET}, "without its registry"),
        (
            {"image_registry": "r.example.com", "registry_secret": "other/prod/registry"},
            "is no secret that a deployment",
        ),
        (
            {"image_registry": "r.example.com", "registry_secret": "dify/dev/application"},
            "is no secret that a deployment",
        ),
        ({"image_registry": "r.example.com", "registry_secret": "user:hunter2 "}, "is no name of a secret"),
    ],
)
def test_what_cannot_be_a_registry_or_its_login_is_refused(overrides: dict[str, str], wrong: str) -> None:
    """Before anything is looked at."""
    with pytest.raises(SettingsError, match=wrong) as caught:
        Settings(environment="dev", **overrides)  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


def test_every_image_has_its_name_there_and_overrides_count_more() -> None:
    """As registries that copy by themselves name them: with library/ for the official ones, without the first host."""
    found = images("1.17.1", {"nginx": "elsewhere.example.com/nginx:1"}, "r.example.com/mirror")
    assert found["nginx"] == "elsewhere.example.com/nginx:1"
    assert found["redis"] == f"r.example.com/mirror/library/{RELEASES['1.17.1']['redis']}"
    assert found["api"] == f"r.example.com/mirror/{RELEASES['1.17.1']['api']}"
    assert found["weaviate"].startswith("r.example.com/mirror/semitechnologies/weaviate:")
