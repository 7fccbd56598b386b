"""The check of a record: what it proves of the record itself, against a checkout, and with Docker Compose."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from dify_aws import ReleaseError, check_release
from dify_aws.dify.compose_document import compose_document
from dify_aws.dify.known_releases import INSTALLABLE
from dify_aws.dify.records import KNOWN, known
from tests.support.dify_checkout import checkout_of

NEWEST = KNOWN[-1]

DOCKER = """#!{python}
import json, pathlib, sys
here = pathlib.Path({folder!r})
if sys.argv[1:] == ["compose", "version"]:
    sys.exit({version})
words = sys.argv[1:]
texts = [pathlib.Path(words[words.index(each) + 1]).read_text() for each in ("--file", "--env-file")]
with (here / "asked.jsonl").open("a") as asked:
    asked.write(json.dumps([words, *texts]) + "\\n")
print("services.api is not wanted", file=sys.stderr)
sys.exit({status})
"""


def docker(folder: Path, monkeypatch: pytest.MonkeyPatch, *, version: int = 0, status: int = 0) -> None:
    """A program that is called docker and is found first."""
    program = folder / "docker"
    program.write_text(DOCKER.format(python=sys.executable, folder=str(folder), version=version, status=status))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture(autouse=True)
def nothing_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def record(folder: Path, *changes: tuple[str, str], version: str = NEWEST) -> Path:
    """The record of a known release in a file of its own, with some of its text replaced."""
    text = files("dify_aws.dify").joinpath("releases", f"{version}.toml").read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("version", KNOWN)
def test_a_known_record_is_whole(version: str, tmp_path: Path) -> None:
    """And what can be installed has no gaps."""
    found = check_release(record(tmp_path, version=version))
    assert found
    assert found.version == version
    assert found.compose is None
    if version in INSTALLABLE:
        assert found.gaps == ()
    assert "there is no Docker Compose here" in str(found)


def test_what_is_wrong_comes_all_at_once(tmp_path: Path) -> None:
    changes = (
        ('redis = "redis:7.4.9-alpine"', 'redis = "redis:latest"'),
        ('same_as = "PLUGIN_DAEMON_KEY"', 'same_as = "SECRET_KEY_2"'),
        ("\nSECRET_KEY = {", '\nSECRET_KEY = {default = "known-to-all", '),
        ('optional = "vector_store = qdrant"', 'optional = "sometimes"'),
    )
    found = check_release(record(tmp_path, *changes))
    assert not found
    assert [problem.field.removeprefix("mine.toml: ") for problem in found.problems] == [
        "images.redis",
        "services.qdrant",
        "variables.DIFY_AGENT_PLUGIN_DAEMON_API_KEY",
        "variables.SECRET_KEY",
    ]
    assert "known-to-all" not in str(found) + found.to_json()
    assert [each["field"] for each in json.loads(found.to_json())["problems"]] == [p.field for p in found.problems]


def test_a_checkout_has_a_place_for_each_of_its_names(tmp_path: Path) -> None:
    checkout = checkout_of(NEWEST)
    checkout.env["DIFY_AGENT_RUN_RETENTION_SECONDS"] = "7200"
    assert check_release(record(tmp_path), checkout=checkout.write(tmp_path / "same")).problems == ()
    checkout.env |= {"QUOTA_OF_APPS": "5", "LOG_TZ": "Asia/Tokyo"}
    checkout.services["knowledge"] = {"image": "example/knowledge:1.0.0"}
    del checkout.services["qdrant"]
    for service in checkout.services.values():
        service["image"] = service["image"].replace(NEWEST, "1.18.0")
    found = check_release(record(tmp_path), checkout=checkout.write(tmp_path / "other"))
    assert {problem.field: problem.wrong.partition(" (")[0] for problem in found.problems} == {
        "version": "is not that of the checkout",
        "services.knowledge": "has no place",
        "services.qdrant": "is no service of the checkout",
        "variables.LOG_TZ": "has another default",
        "variables.QUOTA_OF_APPS": "has no place",
    }


def test_what_the_installer_lacks_is_named(tmp_path: Path) -> None:
    """The record is whole, and this version still cannot install the release."""
    changes = (
        ("[services.web]\n", '[services.knowledge]\nimage = "web"\n\n[services.web]\n'),
        ('[services.redis]\nimage = "redis"', '[services.redis]\nimage = "nginx"'),
        ("[variables]\n", '[variables]\nKNOWLEDGE_API_KEY = {readers = ["api"], secret = true, required = true}\n'),
    )
    found = check_release(record(tmp_path, *changes))
    assert found
    assert len(found.gaps) == 3
    for gap, named in zip(found.gaps, ("knowledge", "redis", "KNOWLEDGE_API_KEY"), strict=True):
        assert named in gap


def requested(folder: Path) -> list[tuple[list[str], str, str]]:
    """What docker was asked: its arguments, and the two files."""
    return [tuple(json.loads(line)) for line in (folder / "asked.jsonl").read_text().splitlines()]


def test_docker_compose_reads_what_would_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each vector store, with secrets that are made up; nothing of them is left on the disk."""
    docker(tmp_path, monkeypatch)
    found = check_release(record(tmp_path))
    assert found.compose is True
    stores = []
    for words, compose, dotenv in requested(tmp_path):
        assert words[:2] == ["compose", "--project-directory"]
        assert words[-2:] == ["config", "--quiet"]
        assert not Path(words[2]).exists()
        assert 'DB_PASSWORD="' in dotenv
        services = yaml.safe_load(compose)["services"]
        assert services.keys() >= known(NEWEST).services.keys() - {"weaviate", "qdrant"}
        stores.append(services.keys() & {"weaviate", "qdrant"})
    assert stores == [set(), {"weaviate"}, {"qdrant"}]


def test_of_what_cannot_be_installed_docker_compose_reads_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(tmp_path, monkeypatch)
    file = record(tmp_path, ("[services.web]\n", '[services.knowledge]\nimage = "web"\n\n[services.web]\n'))
    assert check_release(file).gaps
    ((_, compose, _),) = requested(tmp_path)
    assert json.loads(compose)["services"]["knowledge"]["image"] == known(NEWEST).images["web"]


@pytest.mark.parametrize(
    ("change", "named", "wrong"),
    [
        (
            ("\nSECRET_KEY = {", '\nINNER_KEY = {readers = ["api"], same_as = "LOG_TZ"}\nSECRET_KEY = {'),
            None,
            "",
        ),
        (
            ("\nLOG_LEVEL = {", '\nINSIDE = {readers = ["web:CONSOLE_API_URL"], same_as = "LOG_TZ"}\nLOG_LEVEL = {'),
            "INSIDE",
            "another value",
        ),
        (
            ("\nCHECK_UPDATE_URL = {", "\nCHECK_UPDATE_URL = {required = true, "),
            "CHECK_UPDATE_URL",
            "empty in a container",
        ),
        (("\nSITE_ABOUT = {", "\nSITE_ABOUT = {required = true, "), "SITE_ABOUT", "no container is given it"),
    ],
)
def test_what_is_rendered_is_compared_with_the_record(
    change: tuple[str, str], named: str | None, wrong: str, tmp_path: Path
) -> None:
    """Pairs have one value in every container, and what is required has one at all."""
    problems = check_release(record(tmp_path, change)).problems
    assert [(each.field, wrong in each.wrong) for each in problems] == ([(f"variables.{named}", True)] if named else [])


def test_what_docker_compose_refuses_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker(tmp_path, monkeypatch, status=15)
    found = check_release(record(tmp_path))
    assert not found
    assert found.compose is False
    assert "services.api is not wanted" in str(found)


def test_docker_without_compose_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker(tmp_path, monkeypatch, version=1, status=1)
    found = check_release(record(tmp_path))
    assert found
    assert found.compose is None


def test_the_document_gives_each_service_its_variables() -> None:
    """By the name inside the container, with what it waits for; and no default ends its expression."""
    services = compose_document(known(NEWEST))["services"]
    assert services["plugin_daemon"]["environment"]["SERVER_KEY"] == "${PLUGIN_DAEMON_KEY:-}"
    assert services["worker_beat"]["environment"]["MODE"] == "beat"
    assert services["nginx"]["depends_on"] == {
        "api": {"condition": "service_started"},
        "web": {"condition": "service_started"},
    }
    for service in services.values():
        for value in service["environment"].values():
            assert value.count("}") == value.count("{")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="cannot be read"):
        check_release(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ReleaseError, match="UTF-8"):
        check_release(tmp_path / "binary.toml")
