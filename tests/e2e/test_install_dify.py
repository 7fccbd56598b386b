"""Dify's containers on a real machine, with all that there is of them: what a person or bad luck does to them.

Not here, but on the model machine (tests/install/test_dify_steps.py): a container that is ended for its memory, because
the bed has no limits of memory; and a healthcheck that fails, because Docker takes two minutes to believe it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from dify_aws import Settings, offline
from dify_aws.dify.records import known
from dify_aws.host.converge import converge_host
from dify_aws.host.errors import InstallFailed
from dify_aws.host.report import Report
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.host.step import Step
from dify_aws.operations.credentials import dify_secrets
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.paths import HOME
from dify_aws.runtimes.compose.smoke import smoke
from dify_aws.runtimes.compose.steps.containers import Containers
from dify_aws.runtimes.compose.steps.image import Image
from dify_aws.runtimes.compose.steps.jobs import MARKER as JOBS_DONE
from dify_aws.runtimes.compose.steps.jobs import Jobs, container
from dify_aws.runtimes.compose.steps.migration import JOB, MARKER
from dify_aws.secrets import Secret
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.troubles import full_disk, taken_port
from tests.e2e.connectivity import BedDeployment

SETTINGS = Settings(
    environment="dev",
    profile="full",
    instance_type="t3.large",
    vector_store="weaviate",
    storage="local",
    admin_email="admin@example.com",
)
COMPOSE = f"docker compose --project-directory {HOME}"
CONTAINERS = "docker ps --all --filter label=com.docker.compose.project=dify --format '{{.Names}} {{.ID}}'"
# Every command line that there is, again and again.
WATCH = (
    "systemd-run --quiet --unit=watch sh -c "
    '\'while sleep 0.1; do cat /proc/[0-9]*/cmdline | tr "\\0" " " >>/run/bed/seen; done 2>/dev/null\''
)


@pytest.fixture(scope="module")
def dify(bed: Bed) -> Iterator[BedDeployment]:
    with offline() as world:
        yield BedDeployment(world, bed, SETTINGS)


@pytest.fixture(scope="module")
def first(bed: Bed, dify: BedDeployment) -> Report:
    """The report of the first installation; every test builds on it."""
    bed.inside(WATCH)
    report = dify.install(probe=True)
    bed.inside("systemctl stop watch")
    return report


@pytest.fixture
def host(bed: Bed, first: Report) -> Iterator[SshHost]:
    with SshHost(bed.host, bed.user, key=Secret(bed.key), host_key=bed.host_key, port=bed.port) as host:
        yield host


def containers(bed: Bed) -> dict[str, str]:
    """Their ids, by the name of the service."""
    lines = (line.split() for line in bed.inside(CONTAINERS).splitlines())
    return {name.removeprefix("dify-").removesuffix("-1"): number for name, number in lines}


def failure(host: SshHost, steps: Sequence[Step]) -> str:
    """What is told when these steps are to be done, and cannot."""
    with pytest.raises(InstallFailed) as caught:
        converge_host(host, steps)
    return str(caught.value)


def test_all_that_there_is_runs_and_every_probe_goes_well(bed: Bed, first: Report) -> None:
    """Sixteen containers and Weaviate, and one of each; it was tried out through nginx and part by part."""
    assert len(containers(bed)) == 15
    probes = [step for step in (outcome.step for outcome in first) if step.startswith("probe ")]
    assert len(probes) == 12
    assert set(probes) <= set(first.named("already so"))


def test_no_secret_was_in_a_command_line(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """Not for a moment, of any process of the machine, while Dify was installed."""
    secrets: DifySecrets = dify_secrets.read(dify.deployment.aws, dify.outputs.secrets["application"])
    bed.write("/run/bed/words", "\n".join(value.reveal() for value in secrets.values), 0o600)
    assert bed.inside("grep -c 'docker compose' /run/bed/seen || true") != "0\n"
    assert bed.inside("grep -cFf /run/bed/words /run/bed/seen || true") == "0\n"


# Where a program in a container can open a connection to: each is a name or an address, and a port.
PROBE = """
import socket, sys
for target in sys.argv[1:]:
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1.5).close()
        print(target)
    except OSError:
        pass
"""
SERVICES = {
    "api": (5001,),
    "api_websocket": (5001,),
    "web": (3000,),
    "nginx": (80,),
    "db_postgres": (5432,),
    "redis": (6379,),
    "weaviate": (8080, 50051),
    "plugin_daemon": (5002, 5003),
    "sandbox": (8194,),
    "ssrf_proxy": (3128,),
    "agent_ssrf_proxy": (3128,),
    "agent_backend": (5050,),
    "local_sandbox": (5004,),
}


def reached(bed: Bed, service: str) -> set[str]:
    """Which of all containers, the machine and the instance metadata a program in this container reaches."""
    addresses = bed.inside(
        "docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}} {{end}}'"
        " $(docker ps --quiet --filter label=com.docker.compose.project=dify); hostname -I;"
        "docker network inspect --format '{{range .IPAM.Config}}{{.Gateway}} {{end}}' $(docker network ls --quiet)"
    )
    names = bed.inside("docker ps --format '{{.Names}}' --filter label=com.docker.compose.project=dify").split()
    at = {
        address: name.removeprefix("dify-").removesuffix("-1")
        for name in names
        for address in bed.inside(
            f"docker inspect --format '{{{{range .NetworkSettings.Networks}}}}{{{{.IPAddress}}}} {{{{end}}}}' {name}"
        ).split()
    }
    hosts = {word.partition("/")[0] for word in addresses.split()} - at.keys()
    hosts = {host for host in hosts if host.count(".") == 3}
    targets = [f"{address}:{port}" for address, name in at.items() for port in SERVICES.get(name, ())]
    targets += [f"{host}:{port}" for host in hosts | {"169.254.169.254", "10.0.0.10"} for port in (22, 80, 8125)]
    targets += [f"{name}:{port}" for name, ports in SERVICES.items() for port in ports]
    probe = f"docker exec dify-{service}-1 python3 -c {shlex.quote(PROBE)} {' '.join(targets)}"
    return {at.get(found.partition(":")[0], found.partition(":")[0]) for found in bed.inside(probe).split()} - {service}


@pytest.mark.parametrize(
    ("service", "others"),
    [
        ("sandbox", {"ssrf_proxy", "api"}),
        ("local_sandbox", {"agent_ssrf_proxy", "agent_backend"}),
    ],
)
def test_foreign_code_reaches_its_proxy_and_who_calls_it(
    bed: Bed, first: Report, service: str, others: set[str]
) -> None:
    """By name and by address: not the machine, by any of its addresses, and no database, plugin or instance metadata.

    (worker calls the sandbox too, and listens to nobody.)
    """
    assert reached(bed, service) == others


def test_the_probe_would_see_more(bed: Bed, first: Report) -> None:
    """A container that is no sandbox reaches the databases and the machine."""
    assert {"db_postgres", "redis", "plugin_daemon", "10.0.0.10"} <= reached(bed, "api")
    assert "sandbox" in reached(bed, "worker")
    assert "sandbox" not in reached(bed, "plugin_daemon")


def test_the_digests_of_compose_are_those_of_its_containers(bed: Bed, first: Report) -> None:
    """What is asked to see which containers are older than compose.yaml and .env. Compose 2.22 to 5.1 tell another
    digest for a service with env_file, and 2.26 for one that was started with --no-deps."""
    service, digest = (
        f'{{{{index .Config.Labels "com.docker.compose.{label}"}}}}' for label in ("service", "config-hash")
    )
    made = bed.inside(f"docker inspect --format '{service} {digest}' $(docker ps --quiet)")
    assert sorted(made.splitlines()) == sorted(bed.inside(f"{COMPOSE} config --hash '*'").splitlines())


def test_what_was_done_by_hand_is_undone(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """Paused, deleted, left over, and a file that was changed and read: one run, which touches no other container."""
    before = containers(bed)
    bed.inside(
        "docker pause dify-worker-1; docker rm --force dify-web-1;"
        "docker run --detach --quiet --stop-timeout 1 --name dify-stray-1 --label com.docker.compose.project=dify"
        " --label com.docker.compose.service=stray --label com.docker.compose.oneoff=False"
        " --label com.docker.compose.config-hash=another --label com.docker.compose.container-number=1"
        " --entrypoint sleep langgenius/dify-web:1.17.1 infinity;"
        f"sed -i '/listen 80 default_server/a location = /mine {{ return 200 mine; }}' {HOME}/nginx/nginx.conf;"
        "docker exec dify-nginx-1 nginx -c /etc/nginx/dify/nginx.conf -s reload; sleep 0.5"
    )
    assert bed.get("/mine")[1] == "mine"
    assert dify.install().named("done") == (f"file {HOME}/nginx/nginx.conf", "dify", "nginx")
    assert bed.get("/mine")[1] != "mine"
    after = containers(bed)
    assert {name for name in before | after if before.get(name) != after.get(name)} == {"web"}
    assert not dify.install()


def test_a_migration_that_fails_leaves_dify_stopped_and_is_finished_later(
    bed: Bed, dify: BedDeployment, first: Report
) -> None:
    """What PostgreSQL said is told, and nothing of the old release runs on tables that may be half moved.

    The job that a cut run has left at work is waited for, and so is Dify's own lock, whose loser skips.
    """
    postgres = f"{COMPOSE} exec -T db_postgres psql -U postgres -c"
    bed.inside(
        f"echo langgenius/dify-api:1.16.0 >{MARKER};"
        f"{postgres} 'ALTER DATABASE dify SET default_transaction_read_only = on';"
        f"{COMPOSE} run --detach --rm --no-deps --name {JOB} --entrypoint sleep api 5 2>&1"
    )
    with pytest.raises(InstallFailed) as caught:
        dify.install()
    for result in ("could not be migrated", "read-only transaction", "Dify stays stopped"):
        assert result in str(caught.value)
    running = set(bed.inside(f"{COMPOSE} ps --services --status running").split())
    assert "db_postgres" in running
    assert not {"api", "api_websocket", "worker", "worker_beat"} & running
    bed.inside(
        f"{postgres} 'ALTER DATABASE dify RESET default_transaction_read_only';"
        "docker exec dify-redis-1 sh -c 'redis-cli SET db_upgrade_lock held EX 9'"
    )
    report = dify.install()
    assert [str(change) for change in report["migration"].changes] == [
        "database: langgenius/dify-api:1.16.0 → langgenius/dify-api:1.17.1"
    ]
    assert bed.inside(f"cat {MARKER}") == "langgenius/dify-api:1.17.1\n"
    assert bed.get("/console/api/ping")[0] == 200


def test_the_job_of_a_release_runs_once(bed: Bed, host: SshHost, first: Report) -> None:
    """The container of an interrupted run is waited for and counts; one that was never started does not."""
    jobs = known("1.17.1").jobs
    step = Jobs(release="1.17.1", jobs=jobs, when="after")
    older = f'echo \'{{"release": "1.14.2", "done": []}}\' >{JOBS_DONE.path}'
    started = f"{COMPOSE} run --detach --no-deps -T --name {container(jobs[0])} --env MODE=job"
    started += " --env MIGRATION_ENABLED=false"
    bed.inside(older)
    assert [str(change) for change in converge_host(host, [step])[step.name].changes] == [
        "plugin-auto-upgrade: none → done",
        "release: 1.14.2 → 1.17.1",
    ]
    counted = f"{COMPOSE} exec -T db_postgres psql -U postgres -d dify -XqAtc 'SELECT count(*) FROM jobs'"
    assert bed.inside(counted) == "1\n"
    assert not converge_host(host, [step])
    bed.inside(f"{older}; {started} api {' '.join(jobs[0].command)} 2>&1")
    assert converge_host(host, [step])
    assert bed.inside(counted) == "2\n"
    bed.inside(f"{older}; docker create --name {container(jobs[0])} langgenius/dify-api:1.17.1")
    assert converge_host(host, [step])
    assert bed.inside(counted) == "3\n"
    assert bed.inside("docker ps --all --quiet --filter name=dify-job") == ""
    bed.inside(older)
    unknown = replace(step, jobs=(replace(jobs[0], command=("no-such-job",)),))
    output = failure(host, [unknown])
    assert "the job plugin-auto-upgrade (flask no-such-job) ended with exit status 1" in output
    assert "No such command 'no-such-job'" in output
    bed.inside(f"docker rm {container(jobs[0])}")
    assert converge_host(host, [step])


def test_a_port_that_somebody_else_has(bed: Bed, host: SshHost) -> None:
    """Who that is, and what to do; when the port is free, nginx comes up."""
    nginx = [Containers(name="nginx", services=("nginx",))]
    bed.inside(f"{COMPOSE} stop nginx")
    with taken_port(bed, 80):
        output = failure(host, nginx)
    assert "somebody else listens on a port that nginx needs" in output
    assert "On port 80 there is:" in output
    assert "python3" in output
    assert converge_host(host, nginx)
    assert bed.get("/console/api/ping")[0] == 200


def test_a_disk_that_is_full(bed: Bed, host: SshHost) -> None:
    """An image that has no room is told as that, and what runs goes on."""
    image = "certbot/certbot:v5.7.0"
    bed.inside(f"docker image rm --force {image} 2>&1 || true")
    with full_disk(bed, "/data"):
        output = failure(host, [Image(reference=image)])
        assert bed.get("/signin")[0] == 200
    assert "the disk is full" in output
    assert "data_volume_gib" in output


def test_a_part_that_does_not_work_is_found(bed: Bed, host: SshHost, dify: BedDeployment) -> None:
    """By its probe, with the end of its log; the other probes are told as well."""
    probes = [replace(probe, connect_seconds=2) for probe in smoke(SETTINGS, dify.outputs.url)]
    bed.inside("docker stop dify-sandbox-1")
    with pytest.raises(InstallFailed) as caught:
        converge_host(host, probes, dry_run=True)
    assert caught.value.failures.keys() == {"probe sandbox runs code"}
    assert "the last lines of its log:" in str(caught.value)
    assert len(caught.value.report.named("already so")) == 11
