"""Monitoring: the steps of what tells CloudWatch of the host: the agent, and the metric of the database."""

from __future__ import annotations

from collections.abc import Iterator

from dify_aws.host.step import Step
from dify_aws.host.steps.service import Service
from dify_aws.instance_types import architecture
from dify_aws.runtimes.compose.agent import UNIT, agent_answers, agent_package
from dify_aws.runtimes.compose.base_system import DOCKER
from dify_aws.runtimes.compose.paths import AGENT, HOME
from dify_aws.runtimes.compose.stages.files import file_step, timer
from dify_aws.runtimes.compose.stages.stage import StageInputs
from dify_aws.runtimes.compose.system_files import agent_file


def cloudwatch_agent(inputs: StageInputs) -> Iterator[Step]:
    """The agent, with its configuration. After Docker's packages: there is one dpkg.

    Args:
        inputs: with the log groups.
    """
    settings, outputs = inputs.settings, inputs.outputs
    package = agent_package(
        outputs.region,
        inputs.publishers.cloudwatch_agent,
        architecture=architecture(settings.instance_type),
        needs=(DOCKER,),
    )
    yield package
    yield file_step(AGENT, agent_file(settings, outputs), package.name)
    yield Service(unit=UNIT, reads=(AGENT,), needs=(f"file {AGENT}",))
    yield agent_answers(needs=(f"service {UNIT}",))


def metrics(inputs: StageInputs) -> Iterator[Step]:
    """What tells the agent twice a minute whether the database runs.

    Args:
        inputs: of all that is rendered.
    """
    yield from timer(
        inputs.bundle, "dify-metrics.timer", f"file {HOME}/bin/metrics", agent_answers().name, "data services"
    )
