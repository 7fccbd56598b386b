"""System files: what Docker and the CloudWatch agent read. They name nothing that is known late.

So neither waits for an endpoint, the bucket or a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from dify_aws.dify.known_releases import release_of
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.bundle_file import BundleFile
from dify_aws.runtimes.compose.paths import DATA
from dify_aws.runtimes.compose.render import render
from dify_aws.settings import Settings
from dify_aws.settings.networks import docker_pool

LOG_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({"max-size": "20m", "max-file": "3", "tag": "{{.Name}}"})
"""Of the output of containers."""


def pool_of(settings: Settings) -> str:
    """The range that Docker takes its networks from.

    Args:
        settings: what is desired.
    """
    return str(docker_pool(settings.vpc_cidr, settings.docker_cidr))


def daemon_file(settings: Settings) -> BundleFile:
    """The configuration of Docker.

    Args:
        settings: what is desired.
    """
    return BundleFile(text=render("daemon.json.j2", log_options=dict(LOG_OPTIONS), pool=pool_of(settings)))


def agent_file(settings: Settings, outputs: Outputs) -> BundleFile:
    """The configuration of the CloudWatch agent.

    Args:
        settings: what is desired.
        outputs: with the log groups.
    """
    release = release_of(settings.dify_version, settings.release)
    logged = [service for service in release.running(settings) if release.services[service].mode]
    text = render(
        "cloudwatch-agent.json.j2",
        settings=settings,
        outputs=outputs,
        data=DATA,
        logged=logged,
        logged_twice=_in_its_own_log(logged),
    )
    return BundleFile(text=text)


def _in_its_own_log(services: Sequence[str]) -> str:
    """What the agent finds, as RE2, in the lines of Docker's log that Dify writes to a log of its own as well.

    Dify logs to the standard output and to LOG_FILE. What its program could not log, such as the traceback of a start
    that failed, is on the standard error only, and comes by Docker's log.
    """
    return rf'"stream":"stdout","attrs":\{{"tag":"dify-({"|".join(services)})-[0-9]+"\}}'
