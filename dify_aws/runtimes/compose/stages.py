"""Dify on a machine: every step, in the order in which the machine needs them. Read it from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from dify_aws.clock import Clock
from dify_aws.dify.known_releases import images, release_of
from dify_aws.events import Listener
from dify_aws.host.converge import converge_host
from dify_aws.host.host import Host
from dify_aws.host.masked_log import masked_log
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.report import Report
from dify_aws.host.step import Step, needed
from dify_aws.host.steps.directory import Directory
from dify_aws.host.steps.file import File
from dify_aws.host.steps.log_file import LogFile
from dify_aws.host.steps.packages import Packages
from dify_aws.host.steps.service import Service
from dify_aws.instance_types import architecture
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.agent import UNIT as AGENT_UNIT
from dify_aws.runtimes.compose.agent import agent_answers, agent_package
from dify_aws.runtimes.compose.base_system import DAEMON, DOCKER, TOOLS, base_system
from dify_aws.runtimes.compose.bundle import AGENT, DATA, HOME, UNITS, Bundle, references
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.environment import DATABASE, DATABASE_ROLE, PLUGIN_DATABASE, PLUGIN_DATABASE_ROLE
from dify_aws.runtimes.compose.registry import FOLDER, RegistryLogin
from dify_aws.runtimes.compose.smoke import smoke
from dify_aws.runtimes.compose.steps.admin import Admin
from dify_aws.runtimes.compose.steps.certificate import Certificate, CertificateOf
from dify_aws.runtimes.compose.steps.containers import Containers
from dify_aws.runtimes.compose.steps.database_roles import DatabaseOwner, DatabaseRoles
from dify_aws.runtimes.compose.steps.image import Image, tagged
from dify_aws.runtimes.compose.steps.image_digests import RECORD, ImageDigests, recorded
from dify_aws.runtimes.compose.steps.jobs import Jobs
from dify_aws.runtimes.compose.steps.migration import Migration
from dify_aws.runtimes.compose.steps.same_secrets import SameSecrets
from dify_aws.secrets import Secret
from dify_aws.settings import Settings

STORES: Final = (
    *("db_postgres", "redis", "sandbox", "ssrf_proxy", "weaviate", "qdrant"),
    *("agent_ssrf_proxy", "local_sandbox"),
)
"""Services that are started before the migration of the database."""

AFTERWARDS: Final = ("web", "plugin_daemon", "agent_backend")
"""Services that are started after it, with those of dify-api."""


def install_dify(
    host: Host,
    settings: Settings,
    outputs: Outputs,
    secrets: DifySecrets,
    *,
    publishers: Publishers,
    dry_run: bool,
    probe: bool,
    listener: Listener,
    clock: Clock,
    login: RegistryLogin | None = None,
) -> Report:
    """Make the machine a Dify. On one that is so already: nothing is changed, and nothing restarted.

    With a domain that has no certificate yet, it is done in two stages: nginx cannot start with a certificate that is
    not there, and the authority wants to talk to nginx before it gives one.

    Args:
        publishers: whose packages are trusted.
        dry_run: only tell what would be changed.
        probe: try Dify out at the end, even if nothing was changed.
        listener: is told what happens as it happens.
        clock: how to wait.
        login: to the registry that the images come from.

    Raises:
        HostError: the host could not be asked; nothing was changed.
        InstallFailed: a step failed; the next run goes on from there.
    """
    hidden = (*_hidden(settings, secrets), *(login.values if login else ()))

    def converged(steps_of_run: Sequence[Step], *, dry_run: bool, called: str = "steps") -> Report:
        return converge_host(
            host,
            steps_of_run,
            dry_run=dry_run,
            listener=listener,
            secrets=hidden,
            clock=clock,
            on_interrupt=host.close,
            called=called,
        )

    def rendered(digests: Mapping[str, str], *, https: bool) -> tuple[Bundle, Sequence[Step]]:
        bundle = Bundle.render(settings, outputs, secrets, https=https, digests=digests)
        return bundle, steps(settings, outputs, secrets, bundle, publishers, login)

    with masked_log(hidden):
        certificate = CertificateOf(settings.domain) if settings.domain else None
        known = host.ask([RECORD, *([certificate] if certificate else [])])
        https = certificate is not None and known[certificate].usable
        digests = recorded(known)
        report = None
        if not dry_run and any("@" not in each and each not in digests for each in references(settings)):
            # What an image is can be told when it is there, and the files say it. So these come first.
            _, steps_of_run = rendered(digests, https=https)
            report = converged(_before_files(steps_of_run), dry_run=False, called="steps before the files")
            digests = recorded(host.ask([RECORD]))
        bundle, steps_of_run = rendered(digests, https=https)
        later = converged(steps_of_run, dry_run=dry_run)
        report = report.then(later) if report else later
        if settings.domain and not https and not dry_run:
            bundle, steps_of_run = rendered(digests, https=True)
            report = report.then(converged(steps_of_run, dry_run=False))
        if not dry_run and (probe or report):
            # Nothing is changed by a probe, and with dry_run each is judged, even when another fails.
            report = report.then(converged(smoke(settings, bundle.url), dry_run=True, called="probes"))
        return replace(
            report, images={each: digests.get(each, each.partition("@")[2]) for each in references(settings)}
        )


def steps(
    settings: Settings,
    outputs: Outputs,
    secrets: DifySecrets,
    bundle: Bundle,
    publishers: Publishers,
    login: RegistryLogin | None = None,
) -> tuple[Step, ...]:
    """The whole install as a list. Steps run at the same time where their needs allow it."""
    return (
        *base_system(
            settings,
            volume_id=outputs.data_volume_id,
            device=outputs.data_device,
            daemon=bundle.files[DAEMON].text,
            publishers=publishers,
        ),
        *_files(bundle, secrets),
        *_dify(settings, secrets, bundle, login),
        *_watched(settings, outputs, bundle, publishers),
    )


def _before_files(steps_of_run: Sequence[Step]) -> list[Step]:
    """All that needs no file in which images are named: the machine, its disk, Docker, and the images themselves."""
    naming = {f"file {HOME}/compose.yaml", f"file {HOME}/bin/certificate"}
    return [step for step in steps_of_run if not naming & {step.name, *needed(steps_of_run)[step.name]}]


def _files(bundle: Bundle, secrets: DifySecrets) -> Iterator[Step]:
    """Where the containers keep what they write, and the files of /opt/dify."""
    yield Directory(path=DATA, needs=("data disk /data",))
    yield SameSecrets(mark=secrets.mark, needs=(f"directory {DATA}",))
    for path, directory in bundle.directories.items():
        yield Directory(path=path, mode=directory.mode, owner=directory.owner, deep=directory.deep, needs=("secrets",))
    for path, owner in bundle.logs.items():
        yield LogFile(path=path, owner=owner, needs=(f"directory {path.rpartition('/')[0]}",))
    yield Directory(path=HOME, needs=("secrets",))
    folders = {f"{HOME}/{path}".rpartition("/")[0] for path in bundle.files if not path.startswith("/")} - {HOME}
    for folder in sorted(folders):
        yield Directory(path=folder, needs=(f"directory {HOME}",))
    for path in bundle.files:
        if not path.startswith("/"):
            yield _file(bundle, path, needs=(f"directory {f'{HOME}/{path}'.rpartition('/')[0]}",))


def _dify(settings: Settings, secrets: DifySecrets, bundle: Bundle, login: RegistryLogin | None) -> Iterator[Step]:
    """The containers: pulled before anything is stopped, and nginx last, when nobody can take Dify for himself."""
    known = list(login.steps(f"directory {HOME}")) if login else []
    yield from known
    before = (DOCKER, *(step.name for step in known))
    folder = FOLDER if login else None
    pulled = [Image(reference=reference, configuration=folder, needs=before) for reference in bundle.images]
    yield from pulled
    digests = ImageDigests(
        references=references(settings), needs=(f"directory {DATA}", *(image.name for image in pulled))
    )
    yield digests
    release = release_of(settings.dify_version, settings.release)
    running = release.running(settings)
    ready = [
        digests.name,
        *(f"file {HOME}/{path}" for path in bundle.files if not path.startswith("/")),
        *(f"directory {path}" for path in bundle.directories),
        *(f"log {path}" for path in bundle.logs),
        "swap",
        "sysctl",
    ]
    stores = [service for service in STORES if service in running]
    yield Containers(name="data services", services=stores, needs=ready)
    dify = [service for service in running if release.services[service].mode]
    reference = tagged(images(settings.dify_version, settings.images, settings.image_registry, settings.release)["api"])
    yield database_roles(secrets)
    before_migration = ["data services", "database roles"]
    if any(job.when == "before" for job in release.jobs):
        jobs = Jobs(
            release=release.version, jobs=release.jobs, when="before", services=dify, needs=tuple(before_migration)
        )
        yield jobs
        before_migration.append(jobs.name)
    yield Migration(image=reference, services=dify, needs=before_migration)
    others = [service for service in running if service not in (*STORES, *AFTERWARDS, *dify, "nginx")]
    services = [*dify, *(service for service in AFTERWARDS if service in running), *others]
    yield Containers(name="dify", services=services, needs=("migration",))
    # nginx does not wait for them: after an upgrade it runs already, and a Dify whose jobs failed is still one.
    yield Jobs(release=release.version, jobs=release.jobs, when="after", needs=("dify",))
    before_nginx = "dify"
    if settings.admin_email:
        yield Admin(
            email=settings.admin_email,
            admin_name=settings.admin_name,
            password=secrets.admin_password,
            init_password=secrets.init_password,
            needs=("dify",),
        )
        before_nginx = "first admin"
    yield Containers(name="nginx", services=["nginx"], sweep=True, needs=(before_nginx,))
    if settings.domain:
        certificate = Certificate(domain=settings.domain, needs=("nginx",))
        yield certificate
        yield from _timer(bundle, "dify-certificate.timer", f"file {HOME}/bin/certificate", certificate.name)


def database_roles(secrets: DifySecrets) -> DatabaseRoles:
    """A role for each program. The extensions are made here, since only a superuser may."""
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


def _watched(settings: Settings, outputs: Outputs, bundle: Bundle, publishers: Publishers) -> Iterator[Step]:
    """What tells CloudWatch of the machine, and turns its logs over."""
    yield _file(bundle, "/etc/logrotate.d/dify", needs=(Packages(requirements=TOOLS).name,))
    # After Docker's packages: there is one dpkg.
    package = agent_package(
        outputs.region,
        publishers.cloudwatch_agent,
        architecture=architecture(settings.instance_type),
        needs=(DOCKER,),
    )
    yield package
    yield _file(bundle, AGENT, needs=(package.name,))
    yield Service(unit=AGENT_UNIT, reads=(AGENT,), needs=(f"file {AGENT}",))
    answers = agent_answers(needs=(f"service {AGENT_UNIT}",))
    yield answers
    yield from _timer(bundle, "dify-metrics.timer", f"file {HOME}/bin/metrics", answers.name, "data services")


def _file(bundle: Bundle, path: str, *, needs: Sequence[str]) -> File:
    file = bundle.files[path]
    place = path if path.startswith("/") else f"{HOME}/{path}"
    return File(path=place, data=file.text, mode=file.mode, owner=file.owner, secret=file.secret, needs=needs)


def _timer(bundle: Bundle, timer: str, program: str, *needs: str) -> Iterator[Step]:
    """A timer and its service, once the program and what else it needs is there."""
    units = [
        _file(bundle, f"{UNITS}/{unit}", needs=(program,)) for unit in (timer.replace(".timer", ".service"), timer)
    ]
    yield from units
    yield Service(unit=timer, needs=(*needs, *(unit.name for unit in units)))


def _hidden(settings: Settings, secrets: DifySecrets) -> tuple[Secret, ...]:
    """All that nobody may see in what is told."""
    given = (value for value in settings.env.values() if isinstance(value, Secret))
    return (*secrets.values, *given)
