"""The bundle, judged by the programs that will read it: Compose, nginx, Squid, systemd and the shell.

Compose is that of the bed's archive, and reads here, because it needs no engine to read a file. nginx and Squid are in
containers of the bed, systemd is its own.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dify_aws.dify.known_releases import RELEASES
from dify_aws.runtimes.compose.bundle import Bundle
from tests.e2e.bed.archive import Archive
from tests.e2e.bed.base import Base
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.kept import BedFailed
from tests.e2e.bed.keys import Keys
from tests.support.bundles import COMBINATIONS, bundle, given

MOST: Mapping[str, Any] = {"https": True, "profile": "full", "vector_store": "weaviate", "storage": "local"}
HOME = "/srv/bundle"
IMAGES = RELEASES["1.17.1"]


@pytest.fixture(scope="session")
def compose(able: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Compose that the bed installs, by itself: it needs no engine to read a file."""
    cache = Cache.of_this_machine()
    archive = Archive.kept(cache, Keys.kept(cache), Base.kept(cache))
    (package,) = archive.folder.glob("docker/pool/docker-compose-plugin_*.deb")
    there = tmp_path_factory.mktemp("compose")
    ran("dpkg-deb", "-x", package, there)
    return str(there / "usr/libexec/docker/cli-plugins/docker-compose")


def written(made: Bundle, home: Path) -> Path:
    """The files that are below /opt/dify, on disk."""
    for path, file in made.files.items():
        if not path.startswith("/"):
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(file.text)
            (home / path).chmod(file.mode)
    return home


def ran(*command: str | Path, cwd: Path | None = None, **environ: str) -> str:
    """What a command said on standard output; it must have worked, and complained of nothing."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("overrides", COMBINATIONS, ids=lambda overrides: "-".join(map(str, overrides.values())))
def test_compose_takes_it(overrides: Mapping[str, Any], compose: str, tmp_path: Path) -> None:
    """Compose reads every combination, finds every variable, and gives each container what we think it does."""
    extra = {"SMTP_PASSWORD": "a $HOME ${X} $$ \"b\" 'c' \\d\\ #e", "PLUGIN_REMOTE_INSTALL_HOST": "a$2"}
    made = bundle(**overrides, env=extra)
    result = json.loads(ran(compose, "config", "--format", "json", cwd=written(made, tmp_path)))
    assert result["name"] == "dify"
    for name, service in result["services"].items():
        # Compose doubles every dollar of what it prints, so that it could read it again.
        found = {key: value.replace("$$", "$") for key, value in (service.get("environment") or {}).items()}
        assert found == given(made, name)


def test_compose_finds_what_is_wrong(compose: str, tmp_path: Path) -> None:
    """The test above would see a mistake."""
    home = written(bundle(), tmp_path)
    (home / "compose.yaml").write_text((home / "compose.yaml").read_text().replace("mem_limit", "memory_limit"))
    with pytest.raises(AssertionError, match="memory_limit"):
        ran(compose, "config", "--quiet", cwd=home)


@pytest.fixture
def home(docker: Bed) -> Iterator[str]:
    """A folder on the bed, and a pair of certificate and key for who wants https."""
    docker.inside(f"rm -rf {HOME}; mkdir {HOME}")
    yield HOME
    docker.inside(f"rm -rf {HOME}")


def put(docker: Bed, made: Bundle) -> None:
    """The files, below HOME or at their own places below HOME/root."""
    for path, file in made.files.items():
        docker.write(f"{HOME}/{f'root{path}' if path.startswith('/') else path}", file.text, file.mode)


@pytest.mark.parametrize("overrides", [{}, {"https": True}, MOST], ids=["http", "https", "full"])
def test_nginx_takes_it(overrides: Mapping[str, Any], docker: Bed, home: str) -> None:
    """nginx accepts the configuration, the certificate included."""
    put(docker, bundle(**overrides))
    live = f"{home}/letsencrypt/live/dify.example.com"
    docker.inside(
        f"mkdir -p {live}; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        f" -subj /CN=dify.example.com -keyout {live}/privkey.pem -out {live}/fullchain.pem 2>&1"
    )
    volumes = f"-v {home}/nginx:/etc/nginx/dify:ro -v {home}/letsencrypt:/etc/letsencrypt:ro"
    check = f"docker run --rm {volumes} {IMAGES['nginx']} nginx -t -q -c /etc/nginx/dify/nginx.conf 2>&1"
    docker.inside(check)
    docker.inside(f"echo 'nothing;' >>{home}/nginx/nginx.conf")
    with pytest.raises(BedFailed, match="unknown directive"):
        docker.inside(check)


@pytest.mark.parametrize("folder", ["squid", "squid-agent"])
def test_squid_takes_it(folder: str, docker: Bed, home: str) -> None:
    """Squid's parser accepts it, and has no advice either: it says of a network within another that it ignores one."""
    put(docker, bundle(**MOST))
    squid = f"docker run --rm -v {home}/{folder}:/etc/squid/dify:ro {IMAGES['squid']}"
    check = f"{squid} -k parse -f /etc/squid/dify/squid.conf 2>&1"
    advice = [line for line in docker.inside(check).splitlines() if re.search("WARNING|ERROR|FATAL", line)]
    assert not advice
    docker.inside(f"echo 'acl twice dst 10.0.0.0/8 10.1.0.0/16' >>{home}/{folder}/squid.conf")
    assert "WARNING" in docker.inside(check)


def test_systemd_takes_the_units(docker: Bed, home: str) -> None:
    """systemd accepts every unit, finds what it starts, and knows no setting that it would ignore."""
    put(docker, bundle(https=True))
    units = f"{home}/root/etc/systemd/system"
    docker.inside(f"sed -i 's#/opt/dify/#{home}/#' {units}/dify-*")
    assert docker.inside(f"ls {units} | grep -c ^dify-") == "4\n"
    check = f"SYSTEMD_UNIT_PATH={units}: systemd-analyze verify {units}/dify-* 2>&1"
    assert "dify-" not in docker.inside(check)
    docker.inside(f"sed -i 's/^ProtectSystem/ProtectSistem/' {units}/dify-metrics.service; rm {home}/bin/certificate")
    assert re.search("dify-metrics.*ProtectSistem", docker.inside(f"{check} || true"))
    with pytest.raises(BedFailed, match="bin/certificate is not executable"):
        docker.inside(check)


@pytest.mark.parametrize("script", ["metrics", "certificate"])
def test_the_shell_takes_the_scripts(script: str, tmp_path: Path) -> None:
    """The interpreter that the first line names can read them to the end."""
    path = written(bundle(https=True), tmp_path) / "bin" / script
    ran(path.read_text().splitlines()[0].removeprefix("#!"), "-n", path)


def test_the_metric_is_what_the_agent_hears(tmp_path: Path) -> None:
    """One packet of StatsD each time, 1 or 0 by what Docker says; and none where Docker says nothing."""
    script = written(bundle(), tmp_path) / "bin/metrics"
    programs = tmp_path / "programs"
    programs.mkdir()
    docker = programs / "docker"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(5)
        script.write_text(script.read_text().replace("/8125", f"/{agent.getsockname()[1]}"))
        path = f"{programs}:{os.environ['PATH']}"
        for answer, received in (("echo 0123456789ab", b"postgres_running:1|g"), ("true", b"postgres_running:0|g")):
            docker.write_text(f"#!/bin/sh\n{answer}\n")
            docker.chmod(0o755)
            ran(script, PATH=path)
            assert agent.recv(100) == received
        docker.write_text("#!/bin/sh\nexit 1\n")
        assert subprocess.run([script], env={**os.environ, "PATH": path}, check=False).returncode != 0
        agent.settimeout(0.2)
        with pytest.raises(TimeoutError):
            agent.recv(100)
