"""What runs is named by its digest, which the first installation records. Another one is taken only if agreed to."""

from __future__ import annotations

import json
import re

import pytest

from dify_aws.dify.known_releases import DIGESTS, RELEASES, images, pinned
from dify_aws.host.errors import InstallFailed
from dify_aws.host.report import Report
from dify_aws.offline.machine.engine import first_digest, of_service
from dify_aws.offline.machine.files import Entry
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.runtimes.compose.bundle import references
from dify_aws.runtimes.compose.paths import HOME
from dify_aws.runtimes.compose.steps.image_digests import RECORD
from dify_aws.settings import Settings
from tests.support import installed
from tests.support.bundles import COMBINATIONS, bundle, compose
from tests.support.model import fresh

SETTINGS = Settings(environment="dev", domain="dify.example.com", email="ops@your-company.com")
NGINX = RELEASES["1.17.1"]["nginx"]
OTHER = f"sha256:{'f' * 64}"


def install(machine: Machine, settings: Settings = SETTINGS, *, dry_run: bool = False) -> Report:
    return installed.install(ModelHost(machine), settings, dry_run=dry_run)


def recorded(machine: Machine) -> dict[str, str]:
    found: dict[str, str] = json.loads(machine.files.text(RECORD.path))
    return found


def pulled_by_hand(machine: Machine) -> None:
    """The tag has moved in the registry, and somebody has pulled it."""
    machine.engine.published[NGINX] = OTHER
    assert ModelHost(machine).run(f"docker pull --quiet {NGINX}").ok


def test_the_first_installation_records_what_each_tag_meant() -> None:
    """In a file on the data volume and in the report; compose.yaml and certbot's script name nothing without it."""
    machine = fresh()
    report = install(machine)
    known = {reference: first_digest(reference) for reference in references(SETTINGS)}
    assert recorded(machine) == report.images == known
    assert report.to_dict()["images"] == known
    for service in ("api", "web", "db_postgres", "nginx", "ssrf_proxy"):
        container = of_service(machine, service)
        assert container
        reference, _, digest = container.image.partition("@")
        assert digest == known[reference]
    program = machine.files.text(f"{HOME}/bin/certificate")
    assert f"{RELEASES['1.17.1']['certbot']}@{first_digest(RELEASES['1.17.1']['certbot'])}" in program
    assert not install(machine)


def test_no_image_is_named_without_its_digest() -> None:
    """Whatever the settings: once the digests are known, every image of the bundle has one."""
    digests = {reference: first_digest(reference) for reference in RELEASES["1.17.1"].values()}
    for overrides in COMBINATIONS:
        made = bundle(**overrides, digests=digests)
        assert all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in made.images)
        assert all("@sha256:" in service["image"] for service in compose(made)["services"].values())


def test_a_tag_that_moves_is_not_followed() -> None:
    """Neither by an installation, nor by one whose images somebody has deleted."""
    machine = fresh()
    install(machine)
    machine.engine.published[NGINX] = OTHER
    assert not install(machine)
    machine.engine.images.clear()
    machine.engine.digests.clear()
    install(machine)
    container = of_service(machine, "nginx")
    assert container
    assert container.image == f"{NGINX}@{first_digest(NGINX)}"
    assert recorded(machine)[NGINX] == first_digest(NGINX)


def test_another_image_under_a_known_tag_is_reported_and_refused() -> None:
    """Somebody has pulled it by hand: nothing is started from it, and both digests and the ways out are told."""
    machine = fresh()
    install(machine)
    pulled_by_hand(machine)
    with pytest.raises(InstallFailed, match=f"(?s){NGINX}.*{first_digest(NGINX)}.*{OTHER}.*setting images"):
        install(machine)
    container = of_service(machine, "nginx")
    assert container
    assert container.image == f"{NGINX}@{first_digest(NGINX)}"


@pytest.mark.parametrize("digest", [OTHER, first_digest(NGINX)], ids=["the new one", "the old one"])
def test_who_names_a_digest_agrees_to_it(digest: str) -> None:
    """It is taken, and recorded: without the setting it stays so."""
    machine = fresh()
    install(machine)
    pulled_by_hand(machine)
    agreed = SETTINGS.replace(images={"nginx": f"{NGINX}@{digest}"})
    install(machine, agreed)
    container = of_service(machine, "nginx")
    assert container
    assert container.image == f"{NGINX}@{digest}"
    assert recorded(machine)[NGINX] == digest
    assert not install(machine, agreed)
    machine.engine.images.discard(NGINX)  # docker image rm, of the tag alone
    assert not install(machine)


def test_a_machine_of_an_earlier_version_is_recorded_as_it_is() -> None:
    """Its images are there by their tags: what they are now is what is recorded, and nothing is pulled."""
    machine = fresh()
    install(machine)
    machine.files.remove(RECORD.path)
    machine.engine.published = dict.fromkeys(references(SETTINGS), OTHER)
    report = install(machine)
    assert report.named("done") == ("image digests",)
    assert recorded(machine) == {reference: first_digest(reference) for reference in references(SETTINGS)}


def test_an_image_from_a_file_needs_no_registry() -> None:
    """It has no digest to be named by. It is used by its tag, and the report says that none is known."""
    machine = fresh()
    install(machine)
    machine.files.remove(RECORD.path)
    machine.engine.images = set(references(SETTINGS))
    machine.engine.digests.clear()
    machine.engine.absent = set(references(SETTINGS))
    report = install(machine)
    assert set(report.images.values()) == {""}
    assert not install(machine)


def test_a_dry_run_records_nothing() -> None:
    """And shows what would be."""
    machine = fresh()
    install(machine)
    before = machine.files.get(RECORD.path)
    machine.files.remove(RECORD.path)
    assert "image digests" in install(machine, dry_run=True).named("would change")
    assert machine.files.get(RECORD.path) is None
    assert before


def test_what_somebody_wrote_into_the_record_is_no_command() -> None:
    """It is refused as it is, before anything is done with it."""
    machine = fresh()
    install(machine)
    machine.files.put(RECORD.path, Entry("file", json.dumps({NGINX: "sha256:0; reboot"}).encode()))
    with pytest.raises(Exception, match="should say which images run here"):
        install(machine)


def test_digests_of_releases_are_whole() -> None:
    """Each is of an image of its release, and is a digest; with one, the image is named by it from the start."""
    for version, digests in DIGESTS.items():
        assert digests.keys() <= RELEASES[version].keys()
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests.values())
    assert pinned("nginx:1", {"nginx:1": OTHER}) == f"nginx:1@{OTHER}"
    assert pinned(f"nginx:1@{OTHER}", {"nginx:1": "sha256:x"}) == f"nginx:1@{OTHER}"
    assert images("1.17.1", {"nginx": "n:2"})["nginx"] == "n:2"
