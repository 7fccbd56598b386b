"""Team: the commands for what people share: the way to the machine, the lock, the account and GitHub Actions."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from dify_aws.cli.command import CHANGES, FINE, Command, Verb
from dify_aws.errors import DifyAwsError
from dify_aws.foundation import Foundation
from dify_aws.operations.access.close import close_access
from dify_aws.operations.access.lease import MINUTES
from dify_aws.operations.history.history import NEWEST
from dify_aws.operations.workflow import ENVIRONMENTS, github_workflow


def _access(command: Command) -> int:
    deployment, options = command.deployment(), command.options
    if options["close"]:
        closed = close_access(deployment.aws)
        told = [f"closed for {network}" for network in closed] or ["nothing was open from this machine"]
        command.show({"closed": list(closed)} if command.form == "json" else "\n".join(told))
        return FINE
    host = deployment.outputs().public_ip
    # Not closed here: --close does that, or AWS when the time is over.
    lease = deployment.access(options["address"], minutes=options["minutes"])
    if command.form == "json":
        command.show({"ssh": f"ubuntu@{host}", "address": lease.address, "expires": lease.expires.isoformat()})
    else:
        command.show(f"ubuntu@{host} is open for {lease.address} until {lease.expires:%Y-%m-%d %H:%M:%S} UTC.")
    return FINE


def _unlock(command: Command) -> int:
    lock_owner = command.deployment().unlock(command.options["lock_id"])
    command.show(f"unlocked; it was held by {lock_owner}" if lock_owner else "there is no lock any more")
    return FINE


def _history(command: Command) -> int:
    records = command.deployment().history(newest=command.options["newest"])
    if command.form == "json":
        command.show({"records": [record.to_dict() for record in records]})
    else:
        command.show("\n".join(str(record) for record in records) or "nothing is recorded")
    return FINE


def _bootstrap(command: Command) -> int:
    options, settings = command.options, command.settings
    foundation = Foundation(
        settings.region,
        options["github_repository"],
        command.session,
        command.progress(),
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
        command.show(plan)
        return CHANGES if plan else FINE
    if not options["destroy"]:
        command.show(foundation.apply())
        return FINE
    if not options["yes"] and (plan := foundation.plan_destroy()):
        command.terminal.say(str(plan))
        command.agreed("foundation")
    command.show_destroyed(foundation.destroy())
    return FINE


def _workflow(command: Command) -> int:
    output, names = command.options["output"], _names(command.options["github_environments"])
    text = github_workflow(command.settings, environments=names, requirement=command.options["requirement"])
    if output is None:
        command.terminal.show(text)
        return FINE
    file = Path(output)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DifyAwsError(f"{output} cannot be written: {error.strerror}") from error
    command.terminal.say(f"{output} is written.")
    return FINE


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _access_words(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--address", metavar="IP", help="who is let in; by default this machine")
    what.add_argument("--close", action="store_true", help="end what this user has left open on this machine")
    parser.add_argument(
        "--minutes", type=int, default=MINUTES, metavar="N", help="5 to 720, after which AWS closes it (default: 60)"
    )


def _unlock_words(parser: ArgumentParser) -> None:
    parser.add_argument("lock_id", metavar="LOCK_ID", help="as the error and `status` tell it")


def _history_words(parser: ArgumentParser) -> None:
    parser.add_argument("--newest", type=int, default=NEWEST, metavar="N", help=f"at the most (default: {NEWEST})")


def _bootstrap_words(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--plan", action="store_true", help="what it would do; the status is that of plan")
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
    _environments_word(parser, "the environments, each with a role for the jobs of the environment in GitHub")
    parser.add_argument(
        "--github-pull-requests", action="store_true", help="also a role for pull requests, which plans and reads only"
    )


def _environments_word(parser: ArgumentParser, meaning: str) -> None:
    usual = ",".join(ENVIRONMENTS)
    parser.add_argument("--github-environments", metavar="ONE,TWO", default=usual, help=f"{meaning} (default: {usual})")


def _workflow_words(parser: ArgumentParser) -> None:
    _environments_word(parser, "the environments to choose from")
    parser.add_argument(
        "--requirement", metavar="WHAT", help="what pip installs there; by default this version of dify-aws"
    )
    parser.add_argument("--output", metavar="FILE", help="such as .github/workflows/deploy.yml; by default stdout")


ACCESS: Final = Verb("access", "open port 22 of the machine for one address and a limited time", _access, _access_words)
UNLOCK: Final = Verb("unlock", "take the lock from a run that is dead", _unlock, _unlock_words, "LOCK_ID")
HISTORY: Final = Verb(
    "history", "what was done, by whom and when; there is one once `bootstrap` was run", _history, _history_words
)
BOOTSTRAP: Final = Verb(
    "bootstrap",
    "make what an account needs once: records, locks, the roles for GitHub Actions, the trail of calls",
    _bootstrap,
    _bootstrap_words,
    # It is for all environments, so none needs to be named.
    otherwise={"environment": "any"},
)
WORKFLOW: Final = Verb("workflow", "the workflow for GitHub Actions, as YAML", _workflow, _workflow_words)
