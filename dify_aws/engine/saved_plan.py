"""Saved plan: a plan in a file, to be looked at by another person and executed by another run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from dify_aws.change import Change, Unknown, shown, unknown
from dify_aws.engine.plan import Action, Plan
from dify_aws.errors import DifyAwsError

FORMAT: Final = "dify-aws plan 1"


def save_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Write a plan to a file. It holds what a person is shown, and no secrets; only the owner can read it.

    Args:
        plan: the plan.
        path: the file, which is replaced.

    Raises:
        DifyAwsError: the file cannot be written.
    """
    actions = [
        {
            "verb": action.verb,
            "address": action.address,
            "id": action.id,
            "foreign": action.foreign,
            "changes": [
                {
                    "attribute": change.attribute,
                    "before": None if change.before is None else shown(change.before),
                    "after": change.after.what if isinstance(change.after, Unknown) else shown(change.after),
                    "known": not unknown(change.after),
                }
                for change in action.changes
            ],
        }
        for action in plan.actions
    ]
    document = {
        "format": FORMAT,
        "deployment": plan.deployment,
        "region": plan.region,
        "actions": actions,
        "notes": plan.notes,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    try:
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)
    except OSError as error:
        raise DifyAwsError(f"{os.fspath(path)} cannot be written: {error.strerror}") from error


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """A plan that :func:`save_plan` wrote. Give it to :meth:`~dify_aws.Deployment.deploy` or ``apply``.

    Args:
        path: the file.

    Returns:
        The plan, with its values as text.

    Raises:
        DifyAwsError: the file cannot be read, or is no saved plan.
    """
    where = os.fspath(path)
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        return Plan(
            str(document["deployment"]),
            str(document["region"]),
            tuple(_action(row) for row in document["actions"]),
            tuple(str(note) for note in document["notes"]),
        )
    except OSError as error:
        raise DifyAwsError(f"{where} cannot be read: {error.strerror}") from error
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise DifyAwsError(f"{where} is no saved plan ({error}). `plan --out` writes one.") from None


def _action(row: dict[str, Any]) -> Action:
    if row["verb"] not in ("create", "update", "delete", "keep"):
        raise ValueError("an action has no known verb")
    changes = tuple(
        Change(str(each["attribute"]), each["before"], str(each["after"]) if each["known"] else Unknown(each["after"]))
        for each in row["changes"]
    )
    return Action(row["verb"], str(row["address"]), str(row["id"]), changes, str(row["foreign"]))
