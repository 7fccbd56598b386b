"""Account: the commands for what a team shares: the foundation of an account, and the workflow for GitHub Actions."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from dify_aws.cli.invocation import Command, Invocation
from dify_aws.errors import DifyAwsError
from dify_aws.foundation import Foundation
from dify_aws.operations.run.command_line import CHANGES, SUCCESS
from dify_aws.operations.workflow import ENVIRONMENTS, github_workflow


def _bootstrap(invocation: Invocation) -> int:
    options, settings = invocation.options, invocation.settings
    foundation = Foundation(
        settings.region,
        options["github_repository"],
        invocation.session,
        invocation.progress(),
        environments=_names(options["github_environments"]),
        github_owner_id=options["github_owner_id"],
        github_repository_id=options["github_repository_id"],
        pull_requests=options["github_pull_requests"],
        project=settings.project,
        existing=settings,
        tags=settings.tags,
    )
    if options["plan"]:
        plan = foundation.plan()
        invocation.show(plan)
        return CHANGES if plan else SUCCESS
    if not options["destroy"]:
        if not options["yes"] and (plan := foundation.plan()):
            invocation.agree(plan)
        invocation.show(foundation.apply())
        return SUCCESS
    if not options["yes"] and (plan := foundation.plan_destroy()):
        invocation.show_question(plan)
        invocation.confirm("foundation")
    invocation.show_destroyed(foundation.destroy())
    return SUCCESS


def _workflow(invocation: Invocation) -> int:
    output, names = invocation.options["output"], _names(invocation.options["github_environments"])
    text = github_workflow(invocation.settings, environments=names, requirement=invocation.options["requirement"])
    if output is None:
        invocation.terminal.show(text)
        return SUCCESS
    file = Path(output)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DifyAwsError(f"{output} cannot be written: {error.strerror}") from error
    invocation.terminal.say(f"{output} is written.")
    return SUCCESS


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _bootstrap_arguments(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--plan", action="store_true", help="what it would do; the exit code is that of plan")
    what.add_argument("--destroy", action="store_true", help="delete it but for what holds data; asks before it does")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--github-repository", metavar="OWNER/NAME", help="whose workflows may take the roles; without one: no roles"
    )
    for whose in ("owner", "repository"):
        parser.add_argument(
            f"--github-{whose}-id",
            type=int,
            metavar="ID",
            help=f"the id of the {whose}, which is in the tokens of repositories made since July 2026 (give both ids)",
        )
    _environments_argument(parser, "the environments, each with a role for the jobs of the environment in GitHub")
    parser.add_argument(
        "--github-pull-requests", action="store_true", help="also a role for pull requests, which plans and reads only"
    )


def _environments_argument(parser: ArgumentParser, meaning: str) -> None:
    usual = ",".join(ENVIRONMENTS)
    parser.add_argument("--github-environments", metavar="ONE,TWO", default=usual, help=f"{meaning} (default: {usual})")


def _workflow_arguments(parser: ArgumentParser) -> None:
    _environments_argument(parser, "the environments to choose from")
    parser.add_argument(
        "--requirement", metavar="WHAT", help="what pip installs there; by default this version of dify-aws"
    )
    parser.add_argument("--output", metavar="FILE", help="such as .github/workflows/deploy.yml; by default stdout")


BOOTSTRAP: Final = Command(
    "bootstrap",
    "make what an account needs once: records, locks, the roles for GitHub Actions, the trail of calls",
    _bootstrap,
    _bootstrap_arguments,
    # It is for all environments, so none needs to be named.
    defaults={"environment": "any"},
)
WORKFLOW: Final = Command("workflow", "the workflow for GitHub Actions, as YAML", _workflow, _workflow_arguments)
