"""Carry out: a plan becomes true. What it says is made and mended, all else is waited for, what is left over goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dify_aws.aws import Aws
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.engine.converge import converge, create, remove, wait_until_shown
from dify_aws.engine.creation_order import creation_edges
from dify_aws.engine.deletion_order import deletion_edges
from dify_aws.engine.discovery import Discovery, Things
from dify_aws.engine.node import Nodes, visible
from dify_aws.engine.plan import Plan
from dify_aws.engine.resource import Actual, Resource
from dify_aws.engine.run_lock import RunLock
from dify_aws.errors import DifyAwsError, RunFailed
from dify_aws.events import EventEmitter
from dify_aws.run_interrupted import RunInterrupted
from dify_aws.walk import Walked, walk


def execute(
    resources: Mapping[str, Resource],
    edges: Mapping[str, Iterable[str]],
    aws: Aws,
    discovery: Discovery,
    todo: Plan,
    *,
    found: dict[str, Actual | None],
    emitter: EventEmitter,
    run_lock: RunLock,
    nodes: Nodes,
) -> tuple[dict[str, Actual], dict[str, Exception]]:
    """What is there in the end, and what nodes raised: their failures stop nothing but what needs them.

    Args:
        found: what is there, by address; what is made and mended is noted in it, also if the run fails.

    Raises:
        RunFailed: something failed on the way.
        RunInterrupted (KeyboardInterrupt): Ctrl-C was pressed.
    """
    verbs = {action.address: action.verb for action in todo.actions}
    retired = discovery.retired()
    going = {place: retired[place] for place, verb in verbs.items() if verb == "delete"}
    beside = nodes.by_address()
    created, creations = creation_edges(resources, edges, found)
    graph = nodes.edges(created)

    def visit(address: str) -> Actual | None:
        run_lock.check()
        if address in beside:
            with emitter.reported(address):
                beside[address].run(visible(address, graph, found))
            return None
        if address in creations:
            _create_only(resources[creations[address]], aws, found, emitter)
            return None
        with reading(address, "know what it needs"):
            resource = resources[address].resolved(found)
        if address in verbs:
            with emitter.work(verbs[address], address, usual=resource.usual_seconds.get(verbs[address], 0.0)):
                actual = converge(resource, aws, found[address])
        else:
            actual = converge(resource, aws, found[address])
        found[address] = actual
        return actual

    def stop() -> None:
        aws.stop_waiting()
        nodes.stop()

    work = [*(address for address, verb in verbs.items() if verb != "keep"), *beside]
    try:
        # What is wrong on a machine is no reason to leave AWS half made.
        made = walk(graph, visit, may_fail=beside, on_interrupt=stop)
    except RunInterrupted as stopped:
        ended = [each for each in stopped.done if each in work]
        raise RunInterrupted(ended, [each for each in work if each not in ended], found) from None
    failed = {address: error for address, error in made.failures.items() if address in beside}
    done = [address for address in made.done if address in verbs]
    if made.failures.keys() - failed.keys():
        failures = {creations.get(node, node): error for node, error in made.failures.items()}
        not_tried = [node for node in made.not_tried if node not in creations and node not in failures]
        raise RunFailed(failures, done, [*not_tried, *going])
    if unseen := _not_shown(aws, [resources[address] for address in done if verbs[address] == "create"]):
        raise RunFailed({**unseen, **failed}, done, going)
    try:
        removed = delete_all(aws, going, {}, emitter=emitter, run_lock=run_lock)
    except RunInterrupted as stopped:
        raise RunInterrupted(
            [*(each for each in made.done if each in work), *stopped.done],
            [*failed, *(each for each in made.not_tried if each in beside), *stopped.not_done],
            found,
        ) from None
    if removed.failures:
        raise RunFailed(removed.failures, [*done, *removed.done], removed.not_tried)
    return {address: actual for address in resources if (actual := made.done[address]) is not None}, failed


def _create_only(resource: Resource, aws: Aws, found: dict[str, Actual | None], emitter: EventEmitter) -> None:
    """The first half of a creation; the listener hears of it with the second, unless it fails."""
    try:
        with reading(resource.address, "create it"):
            found[resource.address] = create(resource.resolved(found), aws)
    except Exception:
        with emitter.work("create", resource.address):
            raise


def _not_shown(aws: Aws, created: Iterable[Resource]) -> dict[str, Exception]:
    """Why AWS does not show some of what was made, by address; nothing, as a rule."""
    wrong: dict[str, Exception] = {}
    for resource in created:
        try:
            if resource.eventually_consistent:
                wait_until_shown(resource, aws)
        except DifyAwsError as error:
            wrong[resource.address] = error
    return wrong


def delete_all(aws: Aws, going: Things, there: Things, *, emitter: EventEmitter, run_lock: RunLock) -> Walked[None]:
    """Delete things, each when nothing needs it any more.

    Args:
        going: what is deleted, by place.
        there: all that is there, for what costs money if Ctrl-C is pressed.
    """

    def visit(place: str) -> None:
        run_lock.check()
        kind, actual = going[place]
        with emitter.work("delete", place, usual=kind.usual_seconds.get("delete", 0.0)):
            remove(kind, aws, actual)

    try:
        return walk(deletion_edges(going), visit, on_interrupt=aws.stop_waiting)
    except RunInterrupted as stopped:
        left = {place: actual for place, (_, actual) in there.items() if place not in stopped.done}
        raise RunInterrupted(stopped.done, stopped.not_done, left) from None
