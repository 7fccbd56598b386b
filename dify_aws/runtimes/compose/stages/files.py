"""Files: the steps that bring the files of the bundle to their places, and the directories that they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dify_aws.host.step import Step
from dify_aws.host.steps.directory import Directory
from dify_aws.host.steps.file import File
from dify_aws.host.steps.log_file import LogFile
from dify_aws.host.steps.packages import Packages
from dify_aws.host.steps.service import Service
from dify_aws.runtimes.compose.base_system import TOOLS
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.bundle_file import BundleFile
from dify_aws.runtimes.compose.data_directories import directories, logs
from dify_aws.runtimes.compose.paths import DATA, HOME, UNITS
from dify_aws.runtimes.compose.stages.stage import StageInputs
from dify_aws.runtimes.compose.steps.same_secrets import SameSecrets


def data_directories(inputs: StageInputs) -> Iterator[Step]:
    """Where the containers keep what they write, if what is there belongs to these secrets; the login to a registry.

    Args:
        inputs: with the secrets.

    Raises:
        ValueError: the secrets are not known yet.
    """
    if inputs.secrets.missing:
        raise ValueError(f"these secrets are still to be made: {', '.join(inputs.secrets.missing)}")
    yield Directory(path=DATA, needs=("data disk /data",))
    yield SameSecrets(mark=inputs.secrets.mark, needs=(f"directory {DATA}",))
    for path, directory in directories(inputs.settings):
        yield Directory(path=path, mode=directory.mode, owner=directory.owner, deep=directory.deep, needs=("secrets",))
    for path, owner in logs(inputs.settings):
        yield LogFile(path=path, owner=owner, needs=(f"directory {path.rpartition('/')[0]}",))
    yield Directory(path=HOME, needs=("secrets",))
    if inputs.login:
        yield from inputs.login.steps(f"directory {HOME}")


def files(inputs: StageInputs) -> Iterator[Step]:
    """The files of /opt/dify, and what turns the logs over.

    Args:
        inputs: of all that is rendered.
    """
    bundle = inputs.bundle
    folders = {f"{HOME}/{path}".rpartition("/")[0] for path in dify_files(bundle)} - {HOME}
    for folder in sorted(folders):
        yield Directory(path=folder, needs=(f"directory {HOME}",))
    for path in dify_files(bundle):
        yield file_step(f"{HOME}/{path}", bundle.files[path], f"directory {f'{HOME}/{path}'.rpartition('/')[0]}")
    rotation = "/etc/logrotate.d/dify"
    yield file_step(rotation, bundle.files[rotation], Packages(requirements=TOOLS).name)


def dify_files(bundle: Bundle) -> Sequence[str]:
    """The paths of the files below /opt/dify.

    Args:
        bundle: all files.
    """
    return tuple(path for path in bundle.files if not path.startswith("/"))


def file_step(path: str, file: BundleFile, *needs: str) -> File:
    """A file of the bundle as a step.

    Args:
        path: absolute.
        file: what it shall be.
        needs: the names of the steps before it.
    """
    return File(path=path, data=file.text, mode=file.mode, owner=file.owner, secret=file.secret, needs=needs)


def timer(bundle: Bundle, unit: str, program: str, *needs: str) -> Iterator[Step]:
    """A timer and its service, once the program and what else it needs is there.

    Args:
        bundle: all files.
        unit: "dify-metrics.timer".
        program: the name of the step that brings what is run.
        needs: the names of the other steps before it.
    """
    paths = [f"{UNITS}/{each}" for each in (unit.replace(".timer", ".service"), unit)]
    units = [file_step(path, bundle.files[path], program) for path in paths]
    yield from units
    yield Service(unit=unit, needs=(*needs, *(each.name for each in units)))
