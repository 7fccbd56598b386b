"""Deletion: which of the things that were found may be deleted, which stay, and why.

Tags are written by whoever may tag, so a tag alone deletes nothing that holds data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dify_aws.aws import Aws
from dify_aws.aws.errors.unexpected_answer import UnexpectedAnswer, reading
from dify_aws.engine.discovery import Things
from dify_aws.engine.plan import Action
from dify_aws.engine.resource import Actual, Resource
from dify_aws.errors import DeletionProtected, PlanRefused

STAYS = "It stays. If it is yours and has to go, delete it yourself; if not, take our tags off it."


def planned_deletions(
    aws: Aws, things: Things, desired: Mapping[str, Resource], *, delete_data: bool
) -> tuple[Action, ...]:
    """What happens to each of ``things``, the deletions first. Reads only.

    Args:
        aws: the deployment.
        things: what was found and is to go.
        wishes: the resources of the stack by address: some of ``things`` may still be wished for (in a destroy).
        delete_data: whether what holds data goes, too.

    Raises:
        PlanRefused: AWS was told not to delete some of it, or its answer cannot be read; all of these at once.
    """
    actions = []
    refused: list[tuple[str, Exception]] = []
    for place, (kind, actual) in sorted(things.items()):
        try:
            with reading(place, "know whether it may be deleted"):
                actions.append(
                    _action(aws, place, kind, actual, _desired_of(desired, kind, actual), delete_data=delete_data)
                )
        except (DeletionProtected, UnexpectedAnswer) as error:
            refused.append((place, error))
    if refused:
        raise PlanRefused(refused)
    return tuple(sorted(actions, key=lambda action: action.verb == "keep"))


def things_of(things: Things, actions: Iterable[Action], verb: str) -> dict[str, tuple[type[Resource], Actual]]:
    """Those of ``things`` to which the plan does ``verb``."""
    return {action.address: things[action.address] for action in actions if action.verb == verb}


def _action(
    aws: Aws, place: str, kind: type[Resource], actual: Actual, own: Resource | None, *, delete_data: bool
) -> Action:
    if kind.holds_data(actual, own) and not delete_data:
        return Action("keep", place, actual.id)
    foreign = kind.foreign(aws, actual, own)
    if foreign and kind.origin_required:
        return Action("keep", place, actual.id, foreign=f"{foreign}. {STAYS}")
    if protected := kind.protection(aws, actual):
        raise DeletionProtected(place, actual.id, *protected)
    return Action("delete", place, actual.id, foreign=foreign)


def _desired_of(desired: Mapping[str, Resource], kind: type[Resource], actual: Actual) -> Resource | None:
    own = desired.get(actual.address)
    return own if isinstance(own, kind) else None
