"""compose.yaml: which containers there are, who reaches whom, and how much of the machine each may take."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dify_aws.limits import SIZES
from tests.support.bundles import bundle, compose, every, given, of_dify

MINIMAL = {
    *("api", "worker", "worker_beat", "web", "nginx", "db_postgres", "redis", "sandbox", "ssrf_proxy", "plugin_daemon"),
}
FOR_AGENTS = {"api_websocket", "agent_backend", "local_sandbox", "agent_ssrf_proxy"}
SWAP_MIB = 4096
SYSTEM_MIB = 1024  # Linux, Docker, the agent of CloudWatch, SSH


def services(**overrides: Any) -> dict[str, Any]:
    found: dict[str, Any] = compose(bundle(**overrides))["services"]
    return found


def test_containers_of_each_profile() -> None:
    """compact is what Dify cannot do without, full adds the agents; a vector store besides PostgreSQL is one more."""
    for overrides, made in every():
        store = {overrides["vector_store"]} - {"pgvector"}
        agents = FOR_AGENTS if overrides["profile"] == "full" else set()
        assert compose(made)["services"].keys() == MINIMAL | agents | store


def test_only_nginx_is_reached_from_outside() -> None:
    """Ports 80 and, with a domain, 443; no port for debugging plugins, and nobody with the network of the host."""
    for overrides, made in every():
        found = compose(made)["services"]
        published = {name: service["ports"] for name, service in found.items() if "ports" in service}
        assert published == {"nginx": ["80:80", "443:443"] if overrides["https"] else ["80:80"]}
        for service in found.values():
            assert not {"network_mode", "privileged", "cap_add", "pid", "extra_hosts"} & service.keys()
            assert not any("docker.sock" in volume for volume in service.get("volumes", []))
        assert given(made, "plugin_daemon")["PLUGIN_REMOTE_INSTALLING_HOST"] == "127.0.0.1"


def test_foreign_code_has_no_way_out_but_the_proxies() -> None:
    """Both sandboxes are on internal networks only, on which the host has no address: one with those that call it, and
    one with its proxy. Nobody else is on either, above all not the plugin daemon and no database."""
    for overrides, made in every():
        whole = compose(made)
        internal = {name for name, network in whole["networks"].items() if (network or {}).get("internal")}
        for name in internal:
            assert whole["networks"][name]["driver_opts"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
        on = {name: set(service["networks"]) for name, service in whole["services"].items()}
        beside = {network: {name for name in on if network in on[name]} for network in internal}
        full = overrides["profile"] == "full"
        assert beside == {
            "sandbox_network": {"sandbox", "api", "worker"},
            "sandbox_proxy_network": {"sandbox", "ssrf_proxy"},
            **({"local_sandbox_network": {"local_sandbox", "agent_backend"}} if full else {}),
            **({"agent_proxy_network": {"local_sandbox", "agent_ssrf_proxy"}} if full else {}),
        }
        for name, networks in on.items():
            assert ("default" in networks) != (name in ("sandbox", "local_sandbox")), name


def test_every_container_has_its_limits() -> None:
    """Memory, log size, no new privileges, back after a crash: none is forgotten."""
    for overrides, made in every():
        for name, service in compose(made)["services"].items():
            assert service["mem_limit"] == f"{SIZES[overrides['profile']].memory[name]}m"
            assert service["restart"] == "unless-stopped"
            assert service["security_opt"] == ["no-new-privileges:true"]
            assert service["logging"]["options"].items() >= {"max-size": "20m", "max-file": "3"}.items()


@pytest.mark.parametrize(("profile", "ram_mib"), [("compact", 4096), ("full", 8192)])
@pytest.mark.parametrize("store", ["pgvector", "weaviate", "qdrant"])
def test_all_limits_together_fit_the_machine(profile: str, ram_mib: int, store: str) -> None:
    """If every container grew to its limit at once, memory and swap would hold them; none takes half the memory."""
    limits = {
        name: int(service["mem_limit"].removesuffix("m"))
        for name, service in services(profile=profile, vector_store=store).items()
    }
    assert sum(limits.values()) <= ram_mib + SWAP_MIB - SYSTEM_MIB
    assert max(limits.values()) < ram_mib / 2


@pytest.mark.parametrize("profile", ["compact", "full"])
def test_postgresql_has_a_connection_for_everybody(profile: str) -> None:
    """The pools of all processes, the plugin daemon's 30 and pgvector's 5 each leave some for a person and a backup."""
    made = bundle(profile=profile)
    env = given(made, "api")
    pool = int(env["SQLALCHEMY_POOL_SIZE"]) + int(env["SQLALCHEMY_MAX_OVERFLOW"])
    text = made.files["postgres/postgresql.conf"].text
    connections, shared = (
        int(re.findall(rf"^{name} = (\d+)", text, re.MULTILINE)[0]) for name in ("max_connections", "shared_buffers")
    )
    assert len(of_dify(made)) * (pool + 5) + 30 + 10 <= connections
    # What PostgreSQL sets aside for itself is within what its container may have.
    assert shared * 2 <= SIZES[profile].memory["db_postgres"]


def test_redis_refuses_before_it_is_killed() -> None:
    """It holds Celery's queues: it must neither forget them nor be ended with them."""
    for profile, sizes in SIZES.items():
        text = bundle(profile=profile).files["redis/redis.conf"].text
        (limit,) = (line.split()[1] for line in text.splitlines() if line.startswith("maxmemory "))
        assert int(limit.removesuffix("mb")) < sizes.memory["redis"]
        assert "maxmemory-policy noeviction" in text


def test_whom_others_wait_for_says_how_it_is() -> None:
    """A service that others need to be healthy has a healthcheck, and those that hold data have one too."""
    for _, made in every():
        found = compose(made)["services"]
        needed = {
            name
            for service in found.values()
            for name, how in service.get("depends_on", {}).items()
            if how["condition"] == "service_healthy"
        }
        # Celery's check costs a Python interpreter each time; the other two offer nothing that could be asked.
        without = {name for name, service in found.items() if "healthcheck" not in service}
        assert without <= {"worker", "worker_beat", "web", "agent_backend"}
        assert not needed & without


def test_who_becomes_ready_is_soon_seen_to_be() -> None:
    """Docker asks every healthcheck often while its container starts: an installation waits for three in a row."""
    for _, made in every():
        checks = [service["healthcheck"] for service in compose(made)["services"].values() if "healthcheck" in service]
        assert checks
        assert all(check["start_interval"] == "2s" and "start_period" in check for check in checks)


def test_the_migration_is_a_job_of_its_own() -> None:
    """No container that runs for good migrates, whatever it is started for."""
    for _, made in every():
        for name in of_dify(made):
            assert given(made, name)["MIGRATION_ENABLED"] == "false"


def test_files_are_where_storage_says() -> None:
    """On the data volume for local, and nowhere on the machine for s3."""
    assert any(volume.endswith(":/app/api/storage") for volume in services(storage="local")["api"]["volumes"])
    assert not any(volume.endswith(":/app/api/storage") for volume in services(storage="s3")["api"]["volumes"])


def test_the_sandbox_has_its_own_list_of_packages() -> None:
    """A volume of Docker begins with what the image has at that path; a folder of the host would hide it."""
    for _, made in every():
        whole = compose(made)
        volumes = dict(volume.split(":")[:2] for volume in whole["services"]["sandbox"]["volumes"])
        (source,) = [source for source, target in volumes.items() if target == "/dependencies"]
        assert source in whole["volumes"]


def test_programs_of_agents_reach_each_other_without_the_proxy() -> None:
    """As upstream has it: what listens inside of the sandbox is not asked for through Squid, which refuses it."""
    assert given(bundle(profile="full"), "local_sandbox")["NO_PROXY"] == "localhost,127.0.0.1"


def test_no_password_is_an_argument() -> None:
    """Whatever is in a command or a healthcheck, every user of the machine reads in its list of processes."""
    for _, made in every():
        for name, service in compose(made)["services"].items():
            for part in ("command", "entrypoint"):
                assert "${" not in str(service.get(part, "")), name
            test = service.get("healthcheck", {}).get("test", [])
            assert not any(word in str(test) for word in ("PASSWORD", "KEY", "TOKEN")), name
