"""Relocation: a run that failed with one answer to a question of the account (a zone) goes on with another one.

What AWS fixes to the first answer at creation is deleted and created again, if none of it holds data. The run keeps
what it knows: AWS is not surveyed again, as it may not show yet what was made a moment ago.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from dify_aws.aws import Aws
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.change import Change
from dify_aws.engine.converge import remove
from dify_aws.engine.creation_order import creation_edges
from dify_aws.engine.discovery import Discovery
from dify_aws.engine.execute import execute
from dify_aws.engine.fact import Fact
from dify_aws.engine.node import Nodes
from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.resource import Actual, Resource
from dify_aws.engine.run_lock import RunLock
from dify_aws.errors import FixedAttribute, PlanRefused, RunFailed
from dify_aws.events import EventEmitter
from dify_aws.run_interrupted import RunInterrupted
from dify_aws.walk import walk

Found = Mapping[str, Actual | None]


def execute_where_possible(
    resources: Mapping[str, Resource],
    edges: Mapping[str, set[str]],
    aws: Aws,
    discovery: Discovery,
    todo: Plan,
    *,
    agreed: Plan,
    plan: Callable[[Mapping[str, Resource], Discovery], Plan],
    emitter: EventEmitter,
    run_lock: RunLock,
    nodes: Nodes,
) -> tuple[Plan, dict[str, Actual], dict[str, Exception]]:
    """Carry out a plan, and again with each alternative that AWS leaves.

    Args:
        resources: what is wished for, by address.
        edges: what each needs.
        aws: the deployment.
        looked: what is there.
        todo: what is to be done.
        agreed: the plan that was agreed to. Only what its notes speak of gets an alternative.
        plan: what is to be done with other resources.
        emitter, run_lock, nodes: as for :func:`execute`.

    Returns:
        What was done in all, what is there in the end, and what nodes raised.

    Raises:
        RunFailed: something failed on the way, and there is no alternative, or none is left.
    """
    facts = {address: fact for address, fact in resources.items() if isinstance(fact, Fact)}
    movable = {
        each for each, fact in facts.items() if (seen := discovery.found[each]) and fact.note(seen) in agreed.notes
    }
    done, earlier = todo, list[str]()
    while True:
        found = dict(discovery.found)
        try:
            there, failed = execute(
                resources, edges, aws, discovery, todo, found=found, emitter=emitter, run_lock=run_lock, nodes=nodes
            )
            return done, there, failed
        except RunInterrupted as stopped:
            raise RunInterrupted(dict.fromkeys([*earlier, *stopped.done]), stopped.not_done, stopped.found) from None
        except RunFailed as stopped:
            failure = RunFailed(stopped.failures, dict.fromkeys([*earlier, *stopped.done]), stopped.not_tried)
            if (late := shown_late(resources, aws, discovery.found, failure)) is not None:
                after = {**found, **late}
            elif (
                moved := relocated(resources, edges, aws, found, failure, movable, emitter=emitter, run_lock=run_lock)
            ) is None:
                raise explained(resources, aws, found, failure) from None
            else:
                resources, after = moved
        try:
            discovery = replace(discovery, found=after)
            todo = plan(resources, discovery)
        except PlanRefused:
            raise failure from None
        moves = [
            Action("update", each, now.id, (Change("id", before.id, now.id),))
            for each in facts
            if (before := found[each]) and (now := after[each]) and before.id != now.id
        ]
        earlier = [*(each for each in failure.done if after.get(each)), *(move.address for move in moves)]
        done = _both(done, todo, moves)
        emitter.planned(len(todo), todo.summary())


def fixed_to(resources: Mapping[str, Resource], address: str) -> set[str]:
    """What AWS fixes to a resource at creation, and to that, and so on: it cannot be without it."""
    bound = {address}
    while more := {
        each
        for each, resource in resources.items()
        if each not in bound and bound & {ref.address for ref in resource.refs(resource.fixed)}
    }:
        bound |= more
    return bound - {address}


def relocated(
    resources: Mapping[str, Resource],
    edges: Mapping[str, set[str]],
    aws: Aws,
    found: Found,
    failure: RunFailed,
    movable: Collection[str],
    *,
    emitter: EventEmitter,
    run_lock: RunLock,
) -> tuple[Mapping[str, Resource], dict[str, Actual | None]] | None:
    """Delete what stands in the way of an alternative to one of the facts.

    Args:
        found: what is there now.
        failure: how the run has failed.
        movable: the addresses of the facts that may get an alternative.

    Returns:
        The resources from now on, and what is left; None if there is no alternative, or data would be lost.

    Raises:
        RunFailed: something could not be deleted; the next run goes on from there.
    """
    for address in sorted(movable):
        fact, actual = resources[address], found[address]
        if not isinstance(fact, Fact) or actual is None:
            continue
        there = {each: thing for each in fixed_to(resources, address) if (thing := found[each]) is not None}
        with reading(address, "look for an alternative"):
            if any(_stays(aws, resources[each].resolved(found), thing) for each, thing in there.items()):
                continue
            if not (other := fact.alternative(aws, actual, failure.failures)) or not (place := other.fact.find(aws)):
                continue
        emitter.relocating(f"{other.why}; trying {place.id}")
        _delete(resources, edges, aws, there, failure, emitter=emitter, run_lock=run_lock)
        return {**resources, address: other.fact}, {**found, **dict.fromkeys(there), address: place}
    return None


def explained(resources: Mapping[str, Resource], aws: Aws, found: Found, failure: RunFailed) -> RunFailed:
    """The failure, with what every alternative that was tried came to."""
    failures: Mapping[str, Exception] = failure.failures
    for address, fact in resources.items():
        if isinstance(fact, Fact) and (actual := found[address]) is not None:
            failures = fact.explained(aws, actual, failures)
    return RunFailed(dict(failures), failure.done, failure.not_tried)


def shown_late(resources: Mapping[str, Resource], aws: Aws, found: Found, failure: RunFailed) -> Found | None:
    """What else is there, where a run failed only because AWS showed late what an earlier one had made; else None.

    That one died a moment ago, and what it had made (a subnet in another zone) was taken for missing.
    """
    late = [each for each, error in failure.failures.items() if isinstance(error, FixedAttribute)]
    if len(late) < len(failure.failures) or any(found[each] is not None for each in late):
        return None
    pending = {*late, *(ref.address for each in late for ref in resources[each].refs(resources[each].fixed))}
    pending = {each for each in pending if each in late or isinstance(resources[each], Fact)}
    for each in pending:
        aws.read_cache.forget(*resources[each].tables)
    seen: dict[str, Actual | None] = {}
    for each in pending:
        with reading(each, "find it"):
            seen[each] = resources[each].find(aws)
    return seen if all(seen.values()) else None


def _both(first: Plan, then: Plan, moves: Iterable[Action]) -> Plan:
    """What was done in all: what was created, and created or changed once more, was created."""
    actions = {action.address: action for action in first.actions}
    for action in (*then.actions, *moves):
        before = actions.get(action.address)
        if before is None or before.verb != "create" or action.verb == "create":
            actions[action.address] = action
    return replace(first, actions=tuple(actions.values()))


def _stays(aws: Aws, desired: Resource, actual: Actual) -> bool:
    """Whether a thing is not deleted to be created elsewhere: it holds data, or does not look as if it were ours."""
    return type(desired).holds_data(actual, desired) or bool(type(desired).foreign(aws, actual, desired))


def _delete(
    resources: Mapping[str, Resource],
    edges: Mapping[str, set[str]],
    aws: Aws,
    there: Mapping[str, Actual],
    failure: RunFailed,
    *,
    emitter: EventEmitter,
    run_lock: RunLock,
) -> None:
    """Delete things, each before what it needs, so that a run that dies leaves none without what it stands in."""
    order, _ = creation_edges(resources, edges, {})
    deleted_first = {each: {other for other in there if each in order[other]} for each in there}

    def visit(address: str) -> None:
        run_lock.check()
        with emitter.work("delete", address):
            remove(type(resources[address]), aws, there[address])

    removed = walk(deleted_first, visit, on_interrupt=aws.stop_waiting)
    if removed.failures:
        failures = {**failure.failures, **removed.failures}
        left = [each for each in failure.done if each not in removed.done]
        raise RunFailed(failures, left, [*failure.not_tried, *removed.not_tried])
