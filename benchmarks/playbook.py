"""Playbook: Ansible on a bed, with the same files and the same wishes as dify_aws has for that machine."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

from dify_aws.dify.known_releases import images, release_of
from dify_aws.host.steps.data_disk import OPTIONS, DataDisk
from dify_aws.host.steps.directory import Directory
from dify_aws.host.steps.file import File
from dify_aws.host.steps.sysctl import FIRST_LINE
from dify_aws.operations.credentials import dify_secrets
from dify_aws.runtimes.compose.agent import agent_package
from dify_aws.runtimes.compose.base_system import KERNEL, TOOLS, engine_packages
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.paths import AGENT, DATA, HOME
from dify_aws.runtimes.compose.stages.order import all_steps
from dify_aws.runtimes.compose.stages.stage import StageInputs
from dify_aws.runtimes.compose.steps.same_secrets import MARK
from tests.e2e.bed.bed import Bed
from tests.e2e.connectivity import BedDeployment

FOLDER: Final = Path(__file__).with_name("ansible")
NOTHING: Final = "- hosts: dify\n  gather_facts: false\n  tasks: []\n"


class PlaybookFailed(Exception):
    """Ansible did not come to its end; what it said is the message."""


class Playbook:
    """Use it as a context manager: it has a folder of its own, which goes away with it.

    Args:
        program: ansible-playbook.
        dify: whose machine it is for; nothing of it is installed yet.
    """

    def __init__(self, program: Path, bed: Bed, dify: BedDeployment) -> None:
        self._program = program
        self._bed = bed
        self._dify = dify

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="ansible-")
        self._folder = Path(self._temporary.name)
        self._inventory()
        (self._folder / "wishes.json").write_text(json.dumps(self._wishes()))
        (self._folder / "nothing.yaml").write_text(NOTHING)
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._temporary.cleanup()

    def run(self, *, nothing: bool = False) -> tuple[float, int]:
        """Run it; seconds, and how many tasks changed something. ``nothing``: a playbook without a task."""
        book = self._folder / "nothing.yaml" if nothing else FOLDER / "playbook.yaml"
        hosts, wishes = self._folder / "hosts.json", self._folder / "wishes.json"
        words = [str(self._program), "--inventory", str(hosts), "--extra-vars", f"@{wishes}", str(book)]
        environment = os.environ | {
            "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg"),
            "ANSIBLE_HOME": str(self._folder),
            "ANSIBLE_SSH_CONTROL_PATH": str(self._folder / "control"),
            "ANSIBLE_NOCOLOR": "1",
        }
        began = time.perf_counter()
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise PlaybookFailed(f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
        recap = done.stdout.rpartition("PLAY RECAP")[2]
        return seconds, int(recap.partition("changed=")[2].split()[0]) if "changed=" in recap else 0

    def hang_up(self) -> None:
        """End the connection that is kept, so that the next run begins as a first one of the day does."""
        if (control := self._folder / "control").exists():
            leave = ["ssh", "-o", f"ControlPath={control}", "-O", "exit", self._bed.host]
            subprocess.run(leave, capture_output=True, check=False)

    def _inventory(self) -> None:
        key, known = self._folder / "key", self._folder / "known_hosts"
        key.touch(0o600)
        key.write_text(self._bed.key)
        where = f"[{self._bed.host}]:{self._bed.port}"
        known.write_text("".join(f"{where} {line}\n" for line in self._bed.host_key.splitlines()))
        machine = {
            "ansible_host": self._bed.host,
            "ansible_port": self._bed.port,
            "ansible_user": self._bed.user,
            "ansible_ssh_private_key_file": str(key),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={known}",
        }
        (self._folder / "hosts.json").write_text(json.dumps({"dify": {"hosts": {"bed": machine}}}))

    def _wishes(self) -> dict[str, Any]:
        """All variables of the playbook."""
        deployment, outputs = self._dify.deployment, self._dify.outputs
        settings, publishers = deployment.settings, self._dify.connectivity.publishers
        secrets = dify_secrets.completed(deployment.aws, outputs.secrets["application"])
        bundle = Bundle.render(settings, outputs, secrets)
        inputs = StageInputs(settings=settings, outputs=outputs, secrets=secrets, publishers=publishers)
        wished = all_steps(inputs)
        disk = next(step for step in wished if isinstance(step, DataDisk))
        files = [step for step in wished if isinstance(step, File)]
        files.append(File(path=MARK.path, data=f"{secrets.mark}\n", mode=0o600))
        early = [file for file in files if file.path.startswith(("/etc/docker/", "/etc/systemd/")) and not _unit(file)]
        agent = [file for file in files if file.path == AGENT]
        units = [file for file in files if _unit(file)]
        package = agent_package(outputs.region, publishers.cloudwatch_agent)
        requirements = release_of(settings.dify_version, settings.release).requirements
        api = images(settings.dify_version, settings.images)["api"]
        first = json.dumps({"password": secrets.init_password.reveal()})
        second = json.dumps(
            {"email": settings.admin_email, "name": settings.admin_name, "password": secrets.admin_password.reveal()}
        )
        return {
            "disk": f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{disk.volume_id.replace('-', '')}",
            "uuid": disk.uuid,
            "mount": f"UUID={disk.uuid} {disk.path} ext4 {OPTIONS} 0 2",
            "sysctl": FIRST_LINE + "".join(f"{name} = {value}\n" for name, value in KERNEL.items()),
            "directories": [_directory(DATA), *(_directory(it) for it in wished if isinstance(it, Directory))],
            "early_files": self._files(early),
            "files": self._files(file for file in files if file not in (*early, *agent, *units)),
            "agent_files": self._files(agent),
            "units": self._files(units),
            "docker_key": "/etc/apt/keyrings/docker.asc",
            "docker_fingerprint": publishers.docker,
            "packages": [*TOOLS, *(name.partition(">=")[0] for name in engine_packages("docker", requirements))],
            "images": list(bundle.images),
            "api_image": api,
            "data_services": ["db_postgres", "redis", "sandbox", "ssrf_proxy"],
            "dify_services": ["api", "worker", "worker_beat", "web", "plugin_daemon"],
            "admin": f"{_request('init', first)}next\n{_request('setup', second)}",
            "agent_folder": "/var/cache/dify-aws/agent",
            "agent_downloads": {"key": package.key_url, "package.deb": package.url, "signature": f"{package.url}.sig"},
            "agent_fingerprint": publishers.cloudwatch_agent,
        }

    def _files(self, files: Iterable[File]) -> list[dict[str, str]]:
        """As the playbook wants them, their contents in the folder."""
        told = []
        for file in files:
            source = self._folder / "files" / file.path.lstrip("/")
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_bytes(file.data.encode() if isinstance(file.data, str) else file.data)
            told.append({"src": str(source), "path": file.path, "mode": f"{file.mode:04o}"})
        return told


def _unit(file: File) -> bool:
    return file.path.startswith("/etc/systemd/system/dify-") or file.path.startswith(f"{HOME}/bin/")


def _directory(wish: Directory | str) -> dict[str, Any]:
    wish = wish if isinstance(wish, Directory) else Directory(path=wish)
    user, _, group = wish.owner.partition(":")
    return {"path": wish.path, "mode": f"{wish.mode:04o}", "owner": user, "group": group, "deep": wish.deep}


def _request(path: str, body: str) -> str:
    """One request, as curl reads it from a file."""
    quoted = body.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'silent\nshow-error\nfail\nurl = "http://localhost:5001/console/api/{path}"\n'
        f'header = "Content-Type: application/json"\ndata = "{quoted}"\ncookie = ""\n'
    )
