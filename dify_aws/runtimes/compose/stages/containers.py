"""Containers: the steps that pull the images, start Dify part by part, and make its database and its first admin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dify_aws.dify.known_releases import images as images_of
from dify_aws.dify.known_releases import release_of
from dify_aws.host.step import Step
from dify_aws.runtimes.compose.base_system import DOCKER
from dify_aws.runtimes.compose.bundle import pinned_images, references
from dify_aws.runtimes.compose.data_directories import directories, logs
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.environment import DATABASE, DATABASE_ROLE, PLUGIN_DATABASE, PLUGIN_DATABASE_ROLE
from dify_aws.runtimes.compose.paths import DATA, HOME
from dify_aws.runtimes.compose.registry import FOLDER
from dify_aws.runtimes.compose.stages.files import dify_files, timer
from dify_aws.runtimes.compose.stages.stage import StageInputs
from dify_aws.runtimes.compose.steps.admin import Admin
from dify_aws.runtimes.compose.steps.certificate import Certificate
from dify_aws.runtimes.compose.steps.containers import Containers
from dify_aws.runtimes.compose.steps.database_roles import DatabaseOwner, DatabaseRoles
from dify_aws.runtimes.compose.steps.image import Image, tagged
from dify_aws.runtimes.compose.steps.image_digests import ImageDigests
from dify_aws.runtimes.compose.steps.jobs import Jobs
from dify_aws.runtimes.compose.steps.migration import Migration
from dify_aws.settings import Settings

STORES: Final = (
    *("db_postgres", "redis", "sandbox", "ssrf_proxy", "weaviate", "qdrant"),
    *("agent_ssrf_proxy", "local_sandbox"),
)
"""Services that are started before the migration of the database."""

AFTERWARDS: Final = ("web", "plugin_daemon", "agent_backend")
"""Services that are started after it, with those of dify-api."""

DIGESTS: Final = "image digests"


def images(inputs: StageInputs) -> Iterator[Step]:
    """The images, pulled before anything is stopped, and which image each tag meant.

    Args:
        inputs: with the login to a registry.
    """
    before = (DOCKER, *((step.name for step in inputs.login.steps()) if inputs.login else ()))
    folder = FOLDER if inputs.login else None
    pulled = [
        Image(reference=reference, configuration=folder, needs=before)
        for reference in pinned_images(inputs.settings, inputs.digests)
    ]
    yield from pulled
    yield ImageDigests(
        references=references(inputs.settings), needs=(f"directory {DATA}", *(image.name for image in pulled))
    )


def data_services(inputs: StageInputs) -> Iterator[Step]:
    """Databases, proxies and sandboxes.

    Args:
        inputs: of all that is rendered.
    """
    running = release_of(inputs.settings.dify_version, inputs.settings.release).running(inputs.settings)
    ready = [
        DIGESTS,
        *(f"file {HOME}/{path}" for path in dify_files(inputs.bundle)),
        *(f"directory {path}" for path, _ in directories(inputs.settings)),
        *(f"log {path}" for path, _ in logs(inputs.settings)),
        "swap",
        "sysctl",
    ]
    yield Containers(name="data services", services=[each for each in STORES if each in running], needs=ready)


def database(inputs: StageInputs) -> Iterator[Step]:
    """The roles of the databases, the migration, and the jobs before it.

    Args:
        inputs: with the secrets.
    """
    settings = inputs.settings
    release = release_of(settings.dify_version, settings.release)
    reference = tagged(
        images_of(settings.dify_version, settings.images, settings.image_registry, settings.release)["api"]
    )
    before = ["data services", "database roles"]
    yield database_roles(inputs.secrets)
    if any(job.when == "before" for job in release.jobs):
        jobs = Jobs(
            release=release.version, jobs=release.jobs, when="before", services=_api(settings), needs=tuple(before)
        )
        yield jobs
        before.append(jobs.name)
    yield Migration(image=reference, services=_api(settings), needs=before)


def services(inputs: StageInputs) -> Iterator[Step]:
    """Dify, and its first admin.

    Args:
        inputs: with the secrets.
    """
    settings, secrets = inputs.settings, inputs.secrets
    running = release_of(settings.dify_version, settings.release).running(settings)
    dify = _api(settings)
    others = [service for service in running if service not in (*STORES, *AFTERWARDS, *dify, "nginx")]
    wanted = [*dify, *(service for service in AFTERWARDS if service in running), *others]
    yield Containers(name="dify", services=wanted, needs=("migration",))
    if settings.admin_email:
        yield Admin(
            email=settings.admin_email,
            admin_name=settings.admin_name,
            password=secrets.admin_password,
            init_password=secrets.init_password,
            needs=("dify",),
        )


def jobs(inputs: StageInputs) -> Iterator[Step]:
    """The jobs after the migration. nginx does not wait for them: a Dify whose jobs failed is still one.

    Args:
        inputs: with the release.
    """
    release = release_of(inputs.settings.dify_version, inputs.settings.release)
    yield Jobs(release=release.version, jobs=release.jobs, when="after", needs=("dify",))


def nginx(inputs: StageInputs) -> Iterator[Step]:
    """nginx, the last of them, when nobody can take Dify for himself.

    Args:
        inputs: with the address of the first admin.
    """
    before = "first admin" if inputs.settings.admin_email else "dify"
    yield Containers(name="nginx", services=["nginx"], sweep=True, needs=(before,))


def certificate(inputs: StageInputs) -> Iterator[Step]:
    """The certificate of the domain, and what renews it.

    Args:
        inputs: of all that is rendered.
    """
    if inputs.settings.domain:
        step = Certificate(domain=inputs.settings.domain, needs=("nginx",))
        yield step
        yield from timer(inputs.bundle, "dify-certificate.timer", f"file {HOME}/bin/certificate", step.name)


def database_roles(secrets: DifySecrets) -> DatabaseRoles:
    """A role for each program. The extensions are made here, since only a superuser may.

    Args:
        secrets: the passwords.
    """
    uuids = "uuid-ossp"
    dify = DatabaseOwner(
        database=DATABASE, role=DATABASE_ROLE, password=secrets.db_password, extensions=(uuids, "vector")
    )
    plugins = DatabaseOwner(
        database=PLUGIN_DATABASE,
        role=PLUGIN_DATABASE_ROLE,
        password=secrets.plugin_db_password,
        extensions=(uuids,),
    )
    return DatabaseRoles(owners=(dify, plugins), needs=("data services",))


def _api(settings: Settings) -> list[str]:
    """The running services of the image dify-api."""
    release = release_of(settings.dify_version, settings.release)
    return [service for service in release.running(settings) if release.services[service].mode]
