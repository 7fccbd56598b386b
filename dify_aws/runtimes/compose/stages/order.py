"""Order: the stages of the installation, each with what it needs of the others. Read it from top to bottom.

What a stage needs of AWS, its topology says. Stages that touch the same things need each other: there is one dpkg on a
host, one /etc/fstab, and one compose.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from dify_aws.host.step import Step
from dify_aws.runtimes.compose.base_system import base_system, docker_engine
from dify_aws.runtimes.compose.smoke import smoke
from dify_aws.runtimes.compose.stages import containers, files, monitoring
from dify_aws.runtimes.compose.stages.stage import Stage, StageInputs
from dify_aws.runtimes.compose.system_files import daemon_file


def _base_system(inputs: StageInputs) -> tuple[Step, ...]:
    host = inputs.outputs.host
    return base_system(inputs.settings, volume_id=host.data_volume_id, device=host.data_device)


def _docker(inputs: StageInputs) -> tuple[Step, ...]:
    return docker_engine(inputs.settings, daemon=daemon_file(inputs.settings).text, publishers=inputs.publishers)


def _https(inputs: StageInputs) -> Iterator[Step]:
    """Dify once more, with the certificate: nginx cannot start with one that is not there."""
    if inputs.settings.domain and not inputs.https:
        with_certificate = replace(inputs, https=True)
        for stage in (FILES, DATA_SERVICES, DATABASE, SERVICES, JOBS, NGINX):
            yield from stage.steps(with_certificate)


def _proof(inputs: StageInputs) -> tuple[Step, ...]:
    return smoke(inputs.settings, inputs.bundle.url)


BASE_SYSTEM: Final = Stage("base-system", _base_system)
DOCKER: Final = Stage("docker", _docker, needs=(BASE_SYSTEM,))
CLOUDWATCH_AGENT: Final = Stage("cloudwatch-agent", monitoring.cloudwatch_agent, needs=(DOCKER,))
DATA_DIRECTORIES: Final = Stage("data-directories", files.data_directories, needs=(BASE_SYSTEM,))
IMAGES: Final = Stage("images", containers.images, needs=(DOCKER, DATA_DIRECTORIES))
# The files say which image is meant, and that is known when it is there.
FILES: Final = Stage("files", files.files, needs=(IMAGES,))
DATA_SERVICES: Final = Stage("data-services", containers.data_services, needs=(FILES,))
METRICS: Final = Stage("metrics", monitoring.metrics, needs=(CLOUDWATCH_AGENT, DATA_SERVICES))
DATABASE: Final = Stage("database", containers.database, needs=(DATA_SERVICES,))
SERVICES: Final = Stage("services", containers.services, needs=(DATABASE,))
JOBS: Final = Stage("jobs", containers.jobs, needs=(SERVICES,))
NGINX: Final = Stage("nginx", containers.nginx, needs=(SERVICES,))
CERTIFICATE: Final = Stage("certificate", containers.certificate, needs=(NGINX,))
# After the jobs: they run in containers that are made anew.
HTTPS: Final = Stage("https", _https, needs=(CERTIFICATE, JOBS))
PROOF: Final = Stage("proof", _proof, needs=(HTTPS, METRICS))

STAGES: Final = (
    *(BASE_SYSTEM, DOCKER, DATA_DIRECTORIES, IMAGES, FILES, DATA_SERVICES, DATABASE, SERVICES, JOBS, NGINX),
    *(CERTIFICATE, CLOUDWATCH_AGENT, METRICS, HTTPS, PROOF),
)
"""All of them, each after those that it needs. A report has this order."""


def all_steps(inputs: StageInputs) -> tuple[Step, ...]:
    """The whole installation as one list; without what repeats some of it, and without the proof.

    Args:
        inputs: what the steps are made of.
    """
    return tuple(step for stage in STAGES if stage not in (HTTPS, PROOF) for step in stage.steps(inputs))


def named(name: str) -> Stage:
    """A stage by its name.

    Args:
        name: as in "docker".
    """
    return next(stage for stage in STAGES if stage.name == name)
