"""Adopt: a thing that was made by other means becomes one of the deployment: it is given our tags, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import AdoptionView
from dify_aws.aws.create_request import TAG_ADDRESS, TAG_DEPLOYMENT, TAGS, tag_map
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.change import Change
from dify_aws.engine.difference import differences, refuse
from dify_aws.engine.discovery import discover
from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.resource import Actual, Resource
from dify_aws.engine.run_lock import NoRunLock, RunLock
from dify_aws.engine.stack import Stack
from dify_aws.errors import AwsError, NotConverged, NotOurs, PlanOutdated, PlanRefused, ResourceError
from dify_aws.resources.named_resource import NamedResource
from dify_aws.settings.rules import did_you_mean

SEEN_SECONDS: Final = 60.0
"""How long tags may take to be seen. A run that does not see them would make the thing a second time."""


class NotAdoptable(ResourceError):
    """This thing cannot be taken under this address. It was left as it is."""


@dataclass(frozen=True)
class _Candidate:
    """The resolved wish, the thing as it would be seen with our tags on it, and what it lacks of them."""

    desired: Resource
    actual: Actual
    lacks: Mapping[str, str]
    there: Mapping[str, str]


def plan_adoption(aws: Aws, stack: Stack, address: str, id: str) -> Plan:
    """What :func:`adopt` would do, and how the thing differs from its desired state. Reads only.

    Args:
        address: of the resource that the thing shall be, as in "vpc/main".
        id: AWS's id of it, or its name where it has one.

    Raises:
        NotAdoptable: there is no such thing or address, or that address is taken.
        NotOurs: it belongs to another deployment.
        PlanRefused: it differs in what AWS fixes at creation, so it can never reach its desired state.
    """
    return _agreed(aws, stack, address, id, None)[1]


def adopt(
    aws: Aws,
    stack: Stack,
    address: str,
    id: str,
    plan: Plan | None = None,
    *,
    lock: RunLock | None = None,
    before_change: Callable[[Plan], object] = lambda todo: None,
) -> Plan:
    """Put our tags on a thing that was made by other means; nothing else of it is changed.

    From then on it is the deployment's: plan() shows the other differences, apply() makes them, destroy() deletes it.

    Args:
        address: of the resource that the thing shall be, as in "vpc/main".
        id: AWS's id of it, or its name where it has one.
        plan: what was looked at and agreed to.
        lock: is held while something is changed; it is not taken if there is nothing to do.
        before_change: is called with what is about to be done; not if there is nothing to do.

    Returns:
        What was done, with the differences that are left for apply(). It is false if the thing was ours already.

    Raises:
        NotAdoptable, NotOurs, PlanRefused: as for :func:`plan_adoption`; nothing was changed.
        PlanOutdated: it differs in more than ``plan`` shows; nothing was changed.
        NotConverged: AWS took the tags and does not show them.
    """
    lock = lock or NoRunLock()
    with ExitStack() as until_the_end:
        # Whoever is at work now may change what we would see.
        waiting = not lock.look()
        if waiting:
            until_the_end.enter_context(lock)
        found, todo = _agreed(aws, stack, address, id, plan)
        if found.lacks and not waiting:
            until_the_end.enter_context(lock)
            if not lock.unchanged_since_look:
                found, todo = _agreed(aws, stack, address, id, plan)
        if found.lacks:
            lock.check()
            before_change(todo)
            _tag(aws, found, address, id)
    return todo


def _agreed(aws: Aws, stack: Stack, address: str, id: str, plan: Plan | None) -> tuple[_Candidate, Plan]:
    with reading(address, "compare it with what is wished for"):
        found = _candidate(aws, stack, address, id)
        todo = _plan(aws, found)
    if plan is not None and (more := todo.beyond(plan)):
        raise PlanOutdated(more)
    return found, todo


def _tag(aws: Aws, found: _Candidate, address: str, id: str) -> None:
    found.desired.retag(aws, found.actual, found.lacks)

    def seen() -> bool | None:
        aws.begin()
        actual = _ours(found.desired, aws)
        return (actual is not None and actual.id == found.actual.id) or None

    if not aws.retries.until(seen, SEEN_SECONDS):
        raise NotConverged(
            address, f"AWS took the tags of {id} and does not show them yet. Look at plan() before apply()."
        )


def _plan(aws: Aws, found: _Candidate) -> Plan:
    changes = differences(found.desired, aws, found.actual)
    try:
        refuse(found.desired, found.actual, changes)
    except ResourceError as error:
        raise PlanRefused([(found.desired.address, error)]) from error
    if not found.lacks:
        return Plan(aws.deployment, aws.region, notes=(f"{found.actual.id} is {found.desired.address} already.",))
    tags = Change(TAGS, dict(found.there), dict(found.lacks))
    notes = ["From then on it is this deployment's, and destroy() deletes it with the rest."]
    if found.desired.keep:
        notes = ["From then on it is this deployment's; it holds data, so it goes only with delete_data=True."]
    if changes:
        names = ", ".join(changes)
        notes.append(f"Only the tags are changed now. What else differs ({names}) is changed by the next apply().")
    action = Action("update", found.desired.address, found.actual.id, (tags, *changes.values()))
    return Plan(aws.deployment, aws.region, (action,), tuple(notes))


def _candidate(aws: Aws, stack: Stack, address: str, id: str) -> _Candidate:
    desired = stack.resources.get(address)
    if desired is None:
        raise NotAdoptable(address, f"there is no {address} in {stack.name}. {did_you_mean(address, stack.resources)}.")
    by_name = isinstance(desired, NamedResource) and desired.adoptable
    if not by_name and desired.listed is None:
        raise NotAdoptable(address, f"a thing of the kind {desired.kind} cannot be adopted: apply() makes it.")
    aws.begin()
    taken = _ours(desired, aws)
    tags = aws.ownership(address, keep=desired.keep)
    view, bare = _bare(aws, desired, id, tags)
    if taken is not None and taken.id != bare.id:
        raise NotAdoptable(address, f"{address} is {taken.id} already. Retire that one first: it would be one of two.")
    _free(aws, address, id, bare)
    discovered = discover(view, tuple(stack.resources.values()), stack.possible)
    if discovered.unreadable:
        raise PlanRefused(discovered.unreadable)
    seen = discovered.found.get(address) if isinstance(view, AdoptionView) else None
    actual = seen or replace(bare, address=address, tags={**bare.tags, **tags}, keep=desired.keep)
    lacks = {key: value for key, value in tags.items() if bare.tags.get(key) != value}
    there = {key: bare.tags[key] for key in lacks if key in bare.tags}
    return _Candidate(desired.resolved(discovered.found), actual, lacks, there)


def _ours(desired: Resource, aws: Aws) -> Actual | None:
    """What fulfils the wish today; a thing of somebody else under its name does not."""
    try:
        return desired.find(aws)
    except NotOurs:
        return None


def _bare(aws: Aws, desired: Resource, id: str, tags: Mapping[str, str]) -> tuple[Aws, Actual]:
    """The thing as it is, and the view through which it is seen as if it were ours."""
    nothing = NotAdoptable(desired.address, f"there is no {desired.kind} {id} in {aws.region}, in this account.")
    if isinstance(desired, NamedResource):
        name = desired.named(aws)
        actual = desired.look(aws, name)
        if actual is None or id not in (name, actual.id):
            reason = f"it has to be called {name}, and cannot be renamed: only a thing of that name can be adopted"
            raise NotAdoptable(desired.address, f"{id} is not {desired.address}: {reason}.") if id != name else nothing
        return aws, actual
    listed = desired.listed
    try:
        thing = listed.one(aws, id) if listed is not None else None
    except AwsError as error:
        if not is_deleted(error):
            raise
        thing = None
    if thing is None or listed is None:
        raise nothing
    return AdoptionView(aws, listed, id, tags), Actual(address="", id=id, tags=tag_map(thing.get("Tags")))


def _free(aws: Aws, address: str, id: str, bare: Actual) -> None:
    owner, where = bare.tags.get(TAG_DEPLOYMENT), bare.tags.get(TAG_ADDRESS, "")
    if owner is not None and owner != aws.deployment:
        raise NotOurs(address, id, aws.deployment, owner=owner)
    if owner == aws.deployment and where not in ("", address):
        raise NotAdoptable(address, f"{id} is {where} of this deployment, and can be only one thing.")
