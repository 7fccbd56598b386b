"""Verbs: the commands for one deployment, each a few lines over it; and the table of all commands."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Final

from dify_aws.cli.command import CHANGES, FINE, WRONG, Command, Verb
from dify_aws.cli.releases import RELEASE
from dify_aws.cli.team import ACCESS, BOOTSTRAP, HISTORY, UNLOCK, WORKFLOW
from dify_aws.errors import DifyAwsError
from dify_aws.operations.sbom import sbom
from dify_aws.operations.status import status


def _plan(command: Command) -> int:
    deployment, options = command.deployment(), command.options
    if options["delete_data"] and not options["destroy"]:
        raise DifyAwsError("--delete-data says what destroy would do: it needs --destroy.")
    plan = deployment.plan_destroy(delete_data=options["delete_data"]) if options["destroy"] else deployment.plan()
    command.show(plan)
    return CHANGES if plan else FINE


def _deploy(command: Command) -> int:
    command.show(command.working().deploy())
    return FINE


def _apply(command: Command) -> int:
    command.show(command.working().apply())
    return FINE


def _install(command: Command) -> int:
    command.show(command.working().install(dry_run=command.options["dry_run"]))
    return FINE


def _reset_admin_password(command: Command) -> int:
    command.show(command.working().reset_admin_password(command.options["email_of_admin"]))
    return FINE


def _status(command: Command) -> int:
    deployment = command.deployment()
    command.show(status(deployment.aws, command.settings, deployment.stack))
    return FINE


def _outputs(command: Command) -> int:
    command.show(command.deployment().outputs())
    return FINE


def _diagnose(command: Command) -> int:
    diagnosis = command.deployment().diagnose(open_access=command.options["open_access"])
    command.show(diagnosis)
    return WRONG if diagnosis else FINE


def _cost(command: Command) -> int:
    command.show(command.deployment().estimate_cost(live=command.options["live"]))
    return FINE


def _sbom(command: Command) -> int:
    """Digests are those of the last run that has recorded any."""
    deployment = command.deployment()
    recorded = () if command.options["unrecorded"] else deployment.history()
    digests = next((record.images for record in recorded if record.images), {})
    text = sbom(command.settings, digests)
    command.show(json.loads(text) if command.form == "json" else text.rstrip("\n"))
    return FINE


def _sbom_words(parser: ArgumentParser) -> None:
    meaning = "do not ask AWS which digests a run has recorded"
    parser.add_argument("--unrecorded", action="store_true", help=meaning)


def _destroy(command: Command) -> int:
    delete_data: bool = command.options["delete_data"]
    if not command.options["yes"]:
        plan = command.deployment().plan_destroy(delete_data=delete_data)
        if plan:
            command.terminal.say(str(plan))
            command.agreed(command.settings.environment)
    command.show_destroyed(command.working().destroy(delete_data=delete_data))
    return FINE


def _delete_data(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--delete-data", action="store_true", help="also the data volume and the bucket; there is no way back"
    )


def _plan_words(parser: ArgumentParser) -> None:
    parser.add_argument("--destroy", action="store_true", help="what destroy would do")
    _delete_data(parser)


def _wait(parser: ArgumentParser) -> None:
    meaning = "how long to wait for the end of another run (default: until it is seen that it lives)"
    parser.add_argument("--wait", type=float, metavar="SECONDS", help=meaning)


def _install_words(parser: ArgumentParser) -> None:
    _wait(parser)
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be changed")


def _reset_words(parser: ArgumentParser) -> None:
    _wait(parser)
    meaning = "whose password it is (default: the setting admin_email)"
    parser.add_argument("--account", dest="email_of_admin", metavar="EMAIL", help=meaning)


def _cost_words(parser: ArgumentParser) -> None:
    parser.add_argument("--live", action="store_true", help="ask AWS for today's prices")


def _diagnose_words(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--open-access", action="store_true", help="open port 22 for as long, to look at the machine from inside"
    )


def _destroy_words(parser: ArgumentParser) -> None:
    _wait(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    _delete_data(parser)


VERBS: Final = (
    Verb("plan", "what apply would do; the status is 0 for nothing, 2 for changes, 1 for an error", _plan, _plan_words),
    Verb("deploy", "everything: AWS, the machine and Dify, tried out at the end", _deploy, _wait),
    Verb("apply", "make AWS as wished for, and leave the machine's inside alone", _apply, _wait),
    Verb("install", "make the machine as wished for; AWS has to be there", _install, _install_words),
    Verb("status", "what is there, at a glance: machine, address, changes, lock, leases", _status),
    Verb("outputs", "where everything is", _outputs),
    Verb(
        "diagnose",
        "look at all that is known to go wrong; the status is 1 if something is",
        _diagnose,
        _diagnose_words,
    ),
    Verb("cost", "what it costs a month, line by line, and what other settings would save", _cost, _cost_words),
    Verb("sbom", "what it is made of, for those who have to hand that in: CycloneDX 1.6, JSON", _sbom, _sbom_words),
    HISTORY,
    ACCESS,
    UNLOCK,
    Verb(
        "reset-admin-password",
        "give the admin of Dify a new password, which is kept in Secrets Manager",
        _reset_admin_password,
        _reset_words,
    ),
    Verb("destroy", "delete everything but what holds data; asks before it does", _destroy, _destroy_words),
    BOOTSTRAP,
    WORKFLOW,
    RELEASE,
)
"""In the order of the help."""
