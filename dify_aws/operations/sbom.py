"""Sbom: what a deployment is made of, as a CycloneDX document: images, packages of the machine, and our own."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Final
from urllib.parse import quote

from dify_aws.dify.known_releases import release_of
from dify_aws.runtimes.compose.agent import PACKAGE
from dify_aws.runtimes.compose.base_system import TOOLS, engine_packages
from dify_aws.runtimes.compose.bundle import references
from dify_aws.settings import Settings

SPECIFICATION: Final = "1.6"
DIGEST: Final = "sha256:"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
OURS: Final = "dify-aws"


def sbom(settings: Settings, digests: Mapping[str, str]) -> str:
    """A software bill of materials, as CycloneDX 1.6 in JSON. The same arguments make the same text.

    https://cyclonedx.org/docs/1.6/json/

    Args:
        settings: whose images and packages they are.
        digests: of images, by their reference, as a run has recorded them. An image whose digest is not known is in the
            document without one.
    """
    parts = [*_images(settings, digests), *_packages(settings), *_python()]
    name = settings.deployment.replace("/", "-")
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([name, parts]))}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": OURS, "version": _version(OURS)}]},
            "component": {
                "type": "application",
                "bom-ref": "deployment",
                "name": name,
                "version": settings.dify_version,
            },
        },
        "components": parts,
        "dependencies": [{"ref": "deployment", "dependsOn": sorted(part["bom-ref"] for part in parts)}],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _images(settings: Settings, digests: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for reference in references(settings):
        tagged, _, named = reference.partition("@")
        digest = named or digests.get(reference, "")
        repository, _, tag = tagged.rpartition(":")
        if not repository or "/" in tag:
            repository, tag = tagged, ""
        address = f"pkg:oci/{quote(repository.rpartition('/')[2])}"
        address += f"@{quote(digest, safe='')}" if digest else ""
        address += f"?repository_url={quote(_repository(repository), safe='')}" + (f"&tag={quote(tag)}" if tag else "")
        part: dict[str, Any] = {"type": "container", "bom-ref": address, "name": repository, "purl": address}
        part["version"] = tag or digest
        if digest.startswith(DIGEST):
            part["hashes"] = [{"alg": "SHA-256", "content": digest.removeprefix(DIGEST)}]
        yield part


def _repository(name: str) -> str:
    """With the host, and with "library" where Docker Hub has it."""
    host, slash, _ = name.partition("/")
    if slash and ("." in host or ":" in host):
        return name
    return f"docker.io/{name if slash else f'library/{name}'}"


def _packages(settings: Settings) -> Iterator[dict[str, Any]]:
    """What the installer asks apt for. Which version that is the machine's repositories decide."""
    requirements = release_of(settings.dify_version, settings.release).requirements
    docker = {name.partition(">=")[0] for name in engine_packages(settings.docker_source, requirements)}
    vendors = {**dict.fromkeys(TOOLS, "ubuntu"), PACKAGE: "amazon"}
    vendors |= dict.fromkeys(docker, "docker" if settings.docker_source == "docker" else "ubuntu")
    for name, vendor in sorted(vendors.items()):
        address = f"pkg:deb/{vendor}/{quote(name)}"
        yield {"type": "application", "bom-ref": address, "name": name, "purl": address}


def _python() -> Iterator[dict[str, Any]]:
    """This library and all that it needs, as they are installed here."""
    found: dict[str, str] = {}
    pending = [OURS]
    while pending:
        name = re.sub(r"[-_.]+", "-", pending.pop()).lower()
        if name in found:
            continue
        try:
            there = distribution(name)
        except PackageNotFoundError:
            continue  # for another Python, or another system
        found[name] = there.version
        needed = [each for each in there.requires or () if "extra ==" not in each]
        pending += [match[0] for each in needed if (match := NAME.match(each))]
    for name, version in sorted(found.items()):
        address = f"pkg:pypi/{name}@{quote(version)}"
        yield {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address}


def _version(package: str) -> str:
    try:
        return distribution(package).version
    except PackageNotFoundError:
        return "unknown"
