"""sbom: what a deployment is made of, as a software bill of materials."""

from __future__ import annotations

import json
from argparse import ArgumentParser

from dify_aws.operations import sbom as document
from dify_aws.operations.history.history import history
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb


def _arguments(parser: ArgumentParser) -> None:
    meaning = "without the digests that a run has recorded; makes no call to AWS"
    parser.add_argument("--unrecorded", action="store_true", help=meaning)


def _run(line: CommandLine) -> int:
    text = sbom(line.deployment(), recorded=not line.options["unrecorded"])
    line.show(json.loads(text) if line.form == "json" else text.rstrip("\n"))
    return SUCCESS


@reading_verb("the bill of materials, as CycloneDX 1.6 in JSON", arguments=_arguments, run=_run)
def sbom(deployment: DeploymentContext, *, recorded: bool = True) -> str:
    """What the deployment is made of: images, packages of the machine, and this library. Reads only.

    Args:
        recorded: with the digests of the images of the last run that has recorded any. False asks AWS nothing.

    Returns:
        A software bill of materials, as CycloneDX 1.6 in JSON.

    Raises:
        AwsError: AWS could not be asked.
    """
    records = history(deployment.aws) if recorded else ()
    digests = next((record.images for record in records if record.images), {})
    return document.sbom(deployment.settings, digests)
