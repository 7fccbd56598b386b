"""Smoke: what is asked of a Dify to see that it works: through nginx, as a browser would, and part by part."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from dify_aws.dify.known_releases import release_of
from dify_aws.dify.variable_names import with_names_of
from dify_aws.runtimes.compose.environment import DATABASE
from dify_aws.runtimes.compose.steps.containers import RECOVERED_SECONDS
from dify_aws.runtimes.compose.steps.probe import TIMEOUT_SECONDS, Probe
from dify_aws.settings import Settings

CURL: Final = "curl --silent --show-error --fail --max-time 10"


def smoke(settings: Settings, url: str) -> tuple[Probe, ...]:
    """The probes of this Dify, to be given to ``converge_host``; each fails with the log of the container behind it.

    They take some seconds together, most of it Celery's, and the last wait until their containers have run for a while.
    Run them with ``dry_run=True``: then one that fails keeps none from being told.

    Args:
        url: where Dify is found, as ``Bundle.url`` says. It is asked for on the host itself, so neither DNS nor a
            security group has a part in it.
    """
    release = release_of(settings.dify_version, settings.release)
    # What a container knows by a variable, it knows by the name of its release.
    return tuple(replace(probe, question=with_names_of(release, probe.question)) for probe in _probes(settings, url))


def _probes(settings: Settings, url: str) -> Iterator[Probe]:
    yield from _through_nginx(settings, url)
    yield Probe(
        about="worker takes tasks",
        service="worker",
        question="inside worker celery -A celery_healthcheck.celery inspect ping --timeout 10",
        answer="pong",
        advice="Without it no document is indexed and no task ends. If its log tells of Redis, look at that one.",
    )
    yield Probe(
        about="sandbox runs code",
        service="sandbox",
        question=_inside_api(
            "${CODE_EXECUTION_ENDPOINT}/v1/sandbox/run",
            "X-Api-Key: ${CODE_EXECUTION_API_KEY}",
            {"language": "python3", "code": "print(6 * 7)", "preload": "", "enable_network": False},
        ),
        answer=r'"stdout": ?"42',
        advice="Code nodes and templates of workflows need it.",
    )
    yield Probe(
        about="plugin daemon is healthy",
        service="plugin_daemon",
        question=f"inside api sh -c {shlex.quote(CURL + ' ${PLUGIN_DAEMON_URL}/health/check')}",
        answer=".",
        advice="Without it there is no model provider, for they are plugins.",
    )
    yield Probe(
        about="Redis answers",
        service="redis",
        question="inside redis redis-cli ping",
        answer="^PONG$",
        advice="If its log tells of memory or disk, give the machine more of it.",
    )
    yield _vectors(settings)
    release = release_of(settings.dify_version, settings.release)
    running = release.running(settings)
    others = [release.services[each] for each in running if release.services[each].memory_mib]
    for service in (each for each in others if each.health):
        yield Probe(
            about=f"{service.name} answers",
            service=service.name,
            question=f"inside api {CURL} --output /dev/null --write-out '%{{http_code}}' "
            f"http://{service.name}:{service.ports[0]}{service.health}",
            answer="^2",
            advice="Its log tells why.",
        )
    # The last, when most of them have shown by an answer that they are up. worker_beat answers nobody, but it is the
    # program that worker is and was begun with it: by now it would have ended.
    silent = [*("worker", "worker_beat", "web", "agent_backend"), *(each.name for each in others if not each.health)]
    for name in (each for each in silent if each in running):
        yield Probe(
            about=f"{name} stays up",
            service=name,
            question=f"stays {name}",
            answer="^stays$",
            connect_seconds=RECOVERED_SECONDS + TIMEOUT_SECONDS // 2,
            advice="It has no healthcheck, so that it ends is all that is seen. Its log tells why.",
        )


def _through_nginx(settings: Settings, url: str) -> Iterator[Probe]:
    place = urlsplit(url)
    port = 443 if place.scheme == "https" else 80
    # The name and the port of the address, and the connection to this machine.
    curl = f"{CURL} --connect-to {place.hostname}:{port}:127.0.0.1:{port}"
    # Where nobody is admin yet, /init says "not_started" as long as the initial password is owed, and then "finished".
    guarded = (
        f"{curl} {url}/console/api/setup | grep -F '\"finished\"' || "
        f"{curl} {url}/console/api/init | sed s/finished/open/"
    )
    yield Probe(
        about="console answers",
        service="api",
        question=f"{curl} {url}/console/api/ping",
        answer='"pong"',
        advice="If it is nginx that says no (502, 504), the container of api is not up or still starting.",
    )
    yield Probe(
        about="setup is closed",
        service="api",
        question=f"{curl} {url}/console/api/setup" if settings.admin_email else guarded,
        answer='"finished"' if settings.admin_email else '"finished"|"not_started"',
        advice="Whoever opens /install first becomes its owner. Close the web group (the setting web_cidrs) until "
        "this is mended, and run install again.",
    )
    yield Probe(
        about="login page opens",
        service="web",
        question=f"{curl} --location --output /dev/null --write-out '%{{http_code}}' {url}/signin",
        answer="^200$",
        advice="If it is nginx that says no (502, 504), the container of web is not up or still starting.",
    )


def _vectors(settings: Settings) -> Probe:
    store = settings.vector_store
    advice = "Knowledge bases need it."
    if store == "pgvector":
        return Probe(
            about="pgvector is there",
            service="db_postgres",
            question=f"inside db_postgres psql --username=postgres --dbname={DATABASE} --no-psqlrc --tuples-only "
            "--command \"SELECT '[3,4]'::vector <-> '[0,0]'\"",
            answer=r"^ *5$",
            advice=f"{advice} The image of PostgreSQL must have pgvector: see the setting images.",
        )
    if store == "weaviate":
        question = _inside_api("${WEAVIATE_ENDPOINT}/v1/schema", "Authorization: Bearer ${WEAVIATE_API_KEY}")
    else:
        question = _inside_api("${QDRANT_URL}/collections", "api-key: ${QDRANT_API_KEY}")
    return Probe(
        about=f"{store} answers", service=store, question=question, answer="classes|collections", advice=advice
    )


def _inside_api(url: str, header: str, payload: object = None) -> str:
    """A request from inside of api, which is on every network and knows every key by a variable."""
    lines = [f"url = {url}", f'header = "{header}"']
    if payload is not None:
        lines += ['header = "Content-Type: application/json"', f"data = {json.dumps(json.dumps(payload))}"]
    # The key is in what curl reads, not in an argument: who is on the host sees the arguments of what runs there.
    command = "\n".join([f"{CURL} --config - <<END", *lines, "END"])
    return f"inside api sh -c {shlex.quote(command)}"
