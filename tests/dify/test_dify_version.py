"""The release that settings name: a known one, a later patch of it, or the one of a record in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dify_aws import Deployment, Settings, SettingsError, offline
from dify_aws.dify.gaps import gaps_of
from dify_aws.dify.known_releases import INSTALLABLE, images, later_patch, patched, release_of
from dify_aws.dify.records import known
from dify_aws.runtimes.compose.bundle import references
from tests.dify.test_check_release import record
from tests.support.bundles import bundle, compose

NEWEST = INSTALLABLE[-1]
OWN = ("api", "web", "agent-backend", "local-sandbox")

NEXT = (
    (f'version = "{NEWEST}"', 'version = "1.18.0"'),
    (f'api = "langgenius/dify-api:{NEWEST}"', 'api = "langgenius/dify-api:1.18.0"'),
    ('TOP_K_MAX_VALUE = {default = "10", readers = ["web"]}\n', 'TOP_K_LIMIT = {default = "10", readers = ["web"]}\n'),
    ("[[jobs]]\n", '[[routes]]\npath = "/hooks"\nservice = "plugin_daemon"\nport = 5002\n\n[[jobs]]\n'),
)
"""What the record of a next release may have changed."""


def refused(**overrides: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings(environment="dev", **overrides)
    return str(caught.value)


def test_a_later_patch_is_the_known_release_with_its_own_images() -> None:
    """The others stay as they are pinned, and no digest of another image is taken over."""
    found, base = release_of("1.17.4"), known(NEWEST)
    assert found.version == "1.17.4"
    assert {name for name in base.images if found.images[name] != base.images[name]} == set(OWN)
    assert found.images["api"] == "langgenius/dify-api:1.17.4"
    assert (found.variables, found.services, found.routes) == (base.variables, base.services, base.routes)
    assert images("1.17.4", {}) == found.images
    assert "langgenius/dify-api:1.17.4" in references(Settings(environment="dev", dify_version="1.17.4"))
    digest = f"sha256:{64 * '0'}"
    known_digests = replace(base, digests={"api": digest, "redis": digest})
    assert later_patch(known_digests, "1.17.4").digests == {"redis": digest}
    made = bundle(dify_version="1.17.4")
    assert compose(made)["services"]["worker"]["image"] == "langgenius/dify-api:1.17.4"
    assert made.files["nginx/nginx.conf"] == bundle().files["nginx/nginx.conf"]


@pytest.mark.parametrize("version", ["1.17.0", "1.18.0", "1.16.0", "2.17.9", "1.1.7"])
def test_what_is_no_later_patch_is_not_known(version: str) -> None:
    assert patched(version) is None
    with pytest.raises(KeyError):
        release_of(version)
    assert "does not know" in refused(dify_version=version)


def test_what_can_be_installed_has_no_gaps() -> None:
    for version in INSTALLABLE:
        assert gaps_of(known(version)) == ()


def test_a_plan_tells_of_a_release_without_a_record(tmp_path: Path) -> None:
    """A known one is nothing to tell of."""

    def notes(**overrides: Any) -> str:
        with offline() as world:
            return "\n".join(Deployment(Settings(environment="dev", **overrides), world.session).plan().notes)

    assert "Dify 1.17.4 has no record: it is installed as 1.17.1" in notes(dify_version="1.17.4")
    file = str(record(tmp_path, *NEXT))
    assert f"Dify 1.18.0 is installed by the record in {file}." in notes(dify_version="1.18.0", release=file)
    assert "record" not in notes()


def test_a_record_in_a_file_decides_what_is_rendered(tmp_path: Path) -> None:
    """Its images, its routes, and who reads a variable that only it has."""
    overrides: dict[str, Any] = {"dify_version": "1.18.0", "release": str(record(tmp_path, *NEXT))}
    made = bundle(**overrides, env={"TOP_K_LIMIT": "20"})
    services = compose(made)["services"]
    assert services["api"]["image"] == "langgenius/dify-api:1.18.0"
    assert services["web"]["image"] == f"langgenius/dify-web:{NEWEST}"
    assert services["web"]["environment"]["TOP_K_LIMIT"] == "${TOP_K_LIMIT}"
    assert "location ~ ^/(e|hooks)(/|$) {" in made.files["nginx/nginx.conf"].text
    assert "langgenius/dify-api:1.18.0" in made.images


def test_a_record_of_another_version_is_refused(tmp_path: Path) -> None:
    assert 'Write "1.18.0"' in refused(release=str(record(tmp_path, *NEXT)))


def test_what_is_wrong_with_a_record_is_wrong_with_the_settings(tmp_path: Path) -> None:
    """All of it at once: of the file, of what the installer lacks, and of a variable that nothing reads in it."""
    assert "cannot be read" in refused(release=str(tmp_path / "nowhere.toml"))
    assert "is empty" in refused(release=" ")
    broken = record(
        tmp_path,
        ('redis = "redis:7.4.9-alpine"', 'redis = "redis:latest"'),
        ("[variables]\n", "[variables]\nX = {readers = []}\n"),
    )
    text = refused(release=str(broken))
    assert "images.redis" in text
    assert "variables.X" in text
    lacking = record(
        tmp_path,
        ("[services.web]\n", '[services.knowledge]\nimage = "web"\n\n[services.web]\n'),
        ("[variables]\n", '[variables]\nKNOWLEDGE_API_KEY = {readers = ["api"], secret = true, required = true}\n'),
    )
    text = refused(release=str(lacking), env={"CHROMA_IS_PERSISTENT": "TRUE"})
    assert "the service knowledge has no definition" in text
    assert "the secret KNOWLEDGE_API_KEY must not be empty" in text
    assert "CHROMA_IS_PERSISTENT" in text


def test_a_name_that_the_installer_counts_on_has_to_be_there(tmp_path: Path) -> None:
    """Its Compose file would hand on an empty value otherwise."""
    renamed = record(tmp_path, ("\nDB_PASSWORD = {", "\nDATABASE_PASSWORD = {"))
    assert "the installer counts on DB_PASSWORD" in refused(release=str(renamed))
