"""The bundle, judged by the programs that will read it: Compose, nginx, Squid, systemd and the shell.

Compose is that of the bed's archive. The other tests need one program of this machine each, and are skipped with the
reason where it is missing. CI has no nginx and no Squid of its own yet: they are to come from the bed, when the
installation runs in it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dify_aws.install import Bundle
from tests.e2e.bed.archive import Archive
from tests.e2e.bed.base import Base
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.keys import Keys
from tests.support.bundles import COMBINATIONS, bundle, given

MOST: Mapping[str, Any] = {"https": True, "profile": "full", "vector_store": "weaviate", "storage": "local"}


def needed(*command: str) -> None:
    """That this command works here."""
    try:
        works = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        works = False
    if not works:
        pytest.skip(f"needs {' '.join(command)}")


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


@pytest.mark.parametrize("wishes", COMBINATIONS, ids=lambda wishes: "-".join(map(str, wishes.values())))
def test_compose_takes_it(wishes: Mapping[str, Any], compose: str, tmp_path: Path) -> None:
    """Compose reads every combination, finds every variable, and gives each container what we think it does."""
    extra = {"SMTP_PASSWORD": "a $HOME ${X} $$ \"b\" 'c' \\d\\ #e", "PLUGIN_MAX_FILE_SIZE": "1$2"}
    made = bundle(**wishes, env=extra)
    told = json.loads(ran(compose, "config", "--format", "json", cwd=written(made, tmp_path)))
    assert told["name"] == "dify"
    for name, service in told["services"].items():
        # Compose doubles every dollar of what it prints, so that it could read it again.
        found = {key: value.replace("$$", "$") for key, value in (service.get("environment") or {}).items()}
        assert found == given(made, name)


def test_compose_finds_what_is_wrong(compose: str, tmp_path: Path) -> None:
    """The test above would see a mistake."""
    home = written(bundle(), tmp_path)
    (home / "compose.yaml").write_text((home / "compose.yaml").read_text().replace("mem_limit", "memory_limit"))
    with pytest.raises(AssertionError, match="memory_limit"):
        ran(compose, "config", "--quiet", cwd=home)


@pytest.mark.parametrize("wishes", [{}, {"https": True}, MOST], ids=["http", "https", "full"])
def test_nginx_takes_it(wishes: Mapping[str, Any], tmp_path: Path) -> None:
    """nginx accepts the configuration, the certificate included."""
    needed("nginx", "-v")
    needed("openssl", "version")
    certificate = ("-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    ran("openssl", "req", "-x509", *curve, "-subj", "/CN=dify.example.com", "-days", "2", *certificate)
    text = bundle(**wishes).files["nginx/nginx.conf"].text
    for there, here in (("/etc/letsencrypt/live/dify.example.com", tmp_path), ("/var/log/nginx", tmp_path)):
        text = text.replace(there, str(here))
    (tmp_path / "nginx.conf").write_text(text)
    ran("nginx", "-t", "-q", "-c", tmp_path / "nginx.conf", "-g", f"pid {tmp_path}/pid;")


@pytest.mark.parametrize("path", ["squid/squid.conf", "squid-agent/squid.conf"])
def test_squid_takes_it(path: str, tmp_path: Path) -> None:
    """Squid's parser accepts it, and has no advice either: it says of a network within another that it ignores one."""
    needed("squid", "-v")
    home = written(bundle(**MOST), tmp_path)
    done = subprocess.run(["squid", "-k", "parse", "-f", home / path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not [
        line for line in done.stderr.splitlines() if any(word in line for word in ("WARNING", "ERROR", "FATAL"))
    ]


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """systemd accepts every unit, finds what it starts, and knows no setting that it would ignore."""
    needed("systemd-analyze", "--version")
    made = bundle(https=True)
    home = written(made, tmp_path / "home")
    units = tmp_path / "units"
    units.mkdir()
    (units / "docker.service").write_text("[Service]\nExecStart=/bin/true\n")
    for path, file in made.files.items():
        if path.startswith("/etc/systemd/system/"):
            (units / Path(path).name).write_text(file.text.replace("/opt/dify", str(home)))
    ours = sorted(units.glob("dify-*"))
    assert len(ours) == 4
    done = subprocess.run(
        ["systemd-analyze", "verify", *ours],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "dify-" in line]) == (0, [])


@pytest.mark.parametrize("script", ["metrics", "certificate"])
def test_the_shell_takes_the_scripts(script: str, tmp_path: Path) -> None:
    """The interpreter that the first line names can read them to the end."""
    path = written(bundle(https=True), tmp_path) / "bin" / script
    ran(path.read_text().splitlines()[0].removeprefix("#!"), "-n", path)


def test_the_metric_is_what_the_agent_hears(tmp_path: Path) -> None:
    """One packet of StatsD each time, 1 or 0 by what Docker says; and none where Docker says nothing."""
    needed("bash", "--version")
    script = written(bundle(), tmp_path) / "bin/metrics"
    programs = tmp_path / "programs"
    programs.mkdir()
    docker = programs / "docker"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(5)
        script.write_text(script.read_text().replace("/8125", f"/{agent.getsockname()[1]}"))
        path = f"{programs}:{os.environ['PATH']}"
        for answer, heard in (("echo 0123456789ab", b"postgres_running:1|g"), ("true", b"postgres_running:0|g")):
            docker.write_text(f"#!/bin/sh\n{answer}\n")
            docker.chmod(0o755)
            ran(script, PATH=path)
            assert agent.recv(100) == heard
        docker.write_text("#!/bin/sh\nexit 1\n")
        assert subprocess.run([script], env={**os.environ, "PATH": path}, check=False).returncode != 0
        agent.settimeout(0.2)
        with pytest.raises(TimeoutError):
            agent.recv(100)
