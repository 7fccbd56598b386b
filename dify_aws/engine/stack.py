"""Stack: resources that belong together, and the three things that can be done with them: plan, apply, destroy.

There is one walk. A plan is what the walk would do; apply makes that plan and does it; destroy is the walk turned round
over what is *found*, because it must also remove what no settings of today speak of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

from dify_aws.aws import Aws
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.aws.physical_name import RESOURCE
from dify_aws.change import Change
from dify_aws.engine.applied import Applied
from dify_aws.engine.creation_order import creation_edges
from dify_aws.engine.deletion import planned_deletions, things_of
from dify_aws.engine.difference import differences, refuse
from dify_aws.engine.discovery import Discovery, Things, discover
from dify_aws.engine.execute import delete_all
from dify_aws.engine.fact import Fact
from dify_aws.engine.node import NO_NODES, Nodes
from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.relocation import execute_where_possible
from dify_aws.engine.resource import Actual, Resource
from dify_aws.engine.run_lock import NoRunLock, RunLock
from dify_aws.errors import PlanOutdated, PlanRefused, ResourceError, RunFailed, StackError
from dify_aws.events import EventEmitter, Listener, quiet
from dify_aws.walk import prepared


class Stack:
    """A named set of resources: all that one deployment is made of.

    Args:
        name: the name of the deployment; the same as that of the :class:`~dify_aws.Aws` it is used with.
        resources: in any order; what a resource needs is seen from the references that it holds.
        notes: what a person should know before applying; they are shown with the plan.
        possible: the kinds with a listing of their own that the deployment can have, today or from an earlier run,
            beside those of ``resources``; AWS is asked about no others. None: every kind that Python has loaded.

    Raises:
        StackError: an address is taken twice, a name cannot be part of a name in AWS, a reference goes outside, or some
            need each other in a circle.
    """

    def __init__(
        self,
        name: str,
        resources: Iterable[Resource],
        *,
        notes: Iterable[str] = (),
        possible: Iterable[type[Resource]] | None = None,
    ) -> None:
        self.name = name
        self.possible = None if possible is None else frozenset(possible)
        self.notes = tuple(notes)
        self.resources: dict[str, Resource] = {}
        for resource in resources:
            if resource.address in self.resources:
                raise StackError(f"two resources are called {resource.address}: give one of them another name")
            if not RESOURCE.fullmatch(resource.name):
                raise StackError(
                    f"{resource.address}: its name is a part of names in AWS, and cannot be {resource.name!r}. Use "
                    "letters, digits, dots, underscores and single hyphens."
                )
            self.resources[resource.address] = resource
        self.edges = {address: self._needs(resource) for address, resource in self.resources.items()}
        prepared(creation_edges(self.resources, self.edges, {})[0])

    def __repr__(self) -> str:
        return f"<Stack {self.name}: {len(self.resources)} resources>"

    def plan(self, aws: Aws, *, delete_data: bool = False) -> Plan:
        """What :meth:`apply` would do. Reads only.

        Raises:
            PlanRefused: some of it cannot be done; all the reasons at once.
            AwsError: AWS could not be asked.
        """
        return self.plan_and_found(aws, delete_data=delete_data)[0]

    def plan_and_found(self, aws: Aws, *, delete_data: bool = False) -> tuple[Plan, Mapping[str, Actual | None]]:
        """The same as :meth:`plan`, and what there is of the stack by address, from one reading of AWS."""
        discovery = self._discover(aws)
        return self._plan(aws, discovery, delete_data), discovery.found

    def plan_destroy(self, aws: Aws, *, delete_data: bool = False) -> Plan:
        """What :meth:`destroy` would do. Reads only.

        Raises:
            PlanRefused: AWS was told not to delete some of it; all the reasons at once.
        """
        return self._plan_of_removal(aws, self._everything(aws), delete_data)

    def apply(
        self,
        aws: Aws,
        plan: Plan | None = None,
        *,
        delete_data: bool = False,
        listener: Listener = quiet,
        nodes: Nodes = NO_NODES,
        run_lock: RunLock | None = None,
    ) -> Applied:
        """Make everything as wished for, and take away what is ours and no longer wished for.

        A second run changes nothing. A run that died is finished by the next one.

        Args:
            plan: the plan that was agreed to; nothing is done that it does not show.
            delete_data: also take away what holds data and is no longer wished for.
            listener: is told what happens as it happens.
            nodes: work that is no resource. What it raises is in ``Applied.failed``, and stops only what needs it.
            run_lock: waited for before anything is changed, held until the end; not taken if there is nothing to do.

        Raises:
            PlanRefused: some of it cannot be done; nothing was changed.
            PlanOutdated: AWS has moved since ``plan`` was made; nothing was changed.
            RunFailed: something failed on the way; it says what is done and what was not tried.
        """
        began, run_lock = aws.clock.now(), run_lock or NoRunLock()
        with ExitStack() as until_the_end:
            # Whoever is at work now may change what we would see.
            free = not run_lock.look()
            locked: RunLock = until_the_end.enter_context(run_lock) if free else NoRunLock()
            discovery, todo = self._agreed(aws, plan, delete_data)
            if (todo or nodes.nodes) and not free:
                locked = until_the_end.enter_context(run_lock)
                if not run_lock.unchanged_since_look:
                    discovery, todo = self._agreed(aws, plan, delete_data)
            nodes.check(discovery.found)
            emitter = EventEmitter(listener, aws.clock.now, self.name)
            aws.retries.notify = emitter.waiting
            emitter.planned(len(todo), todo.summary())
            done, found, failed = execute_where_possible(
                self.resources,
                self.edges,
                aws,
                discovery,
                todo,
                agreed=plan or todo,
                plan=lambda others, there: Stack(self.name, others.values(), notes=self.notes)._plan(
                    aws, there, delete_data
                ),
                emitter=emitter,
                run_lock=locked,
                nodes=nodes,
            )
            emitter.finished(done.done())
        return Applied(done, found, aws.clock.now() - began, failed)

    def destroy(
        self, aws: Aws, *, delete_data: bool = False, listener: Listener = quiet, run_lock: RunLock | None = None
    ) -> Applied:
        """Delete everything that carries the deployment's tag, whatever this stack says today.

        What holds data stays, and is told (``Applied.kept``), unless ``delete_data`` is True.

        Args:
            run_lock: as for :meth:`apply`.

        Raises:
            PlanRefused: AWS was told not to delete some of it; nothing was changed.
            RunFailed: something could not be deleted; it says what is gone and what was not tried.
        """
        began, run_lock = aws.clock.now(), run_lock or NoRunLock()
        with ExitStack() as until_the_end:
            free = not run_lock.look()
            locked: RunLock = until_the_end.enter_context(run_lock) if free else NoRunLock()
            things = self._everything(aws)
            todo = self._plan_of_removal(aws, things, delete_data)
            if todo and not free:
                locked = until_the_end.enter_context(run_lock)
                if not run_lock.unchanged_since_look:
                    things = self._everything(aws)
                    todo = self._plan_of_removal(aws, things, delete_data)
            emitter = EventEmitter(listener, aws.clock.now, self.name)
            aws.retries.notify = emitter.waiting
            emitter.planned(len(todo), todo.summary())
            removed = delete_all(
                aws, things_of(things, todo.actions, "delete"), things, emitter=emitter, run_lock=locked
            )
            if removed.failures:
                raise RunFailed(removed.failures, removed.done, removed.not_tried)
            emitter.finished(todo.done())
        left = {place: actual for place, (_, actual) in things_of(things, todo.actions, "keep").items()}
        return Applied(todo, left, aws.clock.now() - began)

    def find(self, aws: Aws) -> Mapping[str, Actual | None]:
        """What is there of this stack, by address. Reads only.

        Raises:
            PlanRefused: something cannot be told apart, or is not ours.
        """
        return self._discover(aws).found

    def _everything(self, aws: Aws) -> Things:
        # What is not ours under one of our names is passed over, and twins both go.
        self._belongs_to(aws)
        found = discover(aws, tuple(self.resources.values()), self.possible)
        if found.unreadable:
            raise PlanRefused(found.unreadable)
        return found.everything(self.resources)

    def _agreed(self, aws: Aws, plan: Plan | None, delete_data: bool) -> tuple[Discovery, Plan]:
        discovery = self._discover(aws)
        todo = self._plan(aws, discovery, delete_data)
        if plan is not None and (more := todo.beyond(plan)):
            raise PlanOutdated(more)
        return discovery, todo

    def _discover(self, aws: Aws) -> Discovery:
        self._belongs_to(aws)
        discovery = discover(aws, tuple(self.resources.values()), self.possible)
        if discovery.refused:
            raise PlanRefused(discovery.refused)
        return discovery

    def _plan(self, aws: Aws, discovery: Discovery, delete_data: bool) -> Plan:
        actions: list[Action] = []
        refused: list[tuple[str, Exception]] = []
        for address in in_order(self.edges):
            try:
                with reading(address, "compare it with what is wished for"):
                    actions += _action(self.resources[address].resolved(discovery.found), aws, discovery.found[address])
            except ResourceError as error:
                refused.append((address, error))
        try:
            actions += planned_deletions(aws, discovery.retired(), self.resources, delete_data=delete_data)
        except PlanRefused as protected:
            refused += protected.errors
        if refused:
            raise PlanRefused(refused)
        return Plan(aws.deployment, aws.region, tuple(actions), (*self.notes, *self._notes_on_facts(discovery)))

    def _notes_on_facts(self, discovery: Discovery) -> Iterator[str]:
        for address, resource in self.resources.items():
            actual = discovery.found[address]
            if isinstance(resource, Fact) and actual is not None and (note := resource.note(actual)):
                yield note

    def _plan_of_removal(self, aws: Aws, things: Things, delete_data: bool) -> Plan:
        actions = planned_deletions(aws, things, self.resources, delete_data=delete_data)
        return Plan(aws.deployment, aws.region, actions)

    def _needs(self, resource: Resource) -> set[str]:
        needs = {ref.address for ref in resource.refs()}
        strangers = (needs | {ref.address for ref in resource.refs({"created_after"})}) - self.resources.keys()
        if strangers:
            raise StackError(
                f"{resource.address} refers to {', '.join(sorted(strangers))}, which this stack does not have"
            )
        return needs | {address for address, other in self.resources.items() if other.kind in resource.after}

    def _belongs_to(self, aws: Aws) -> None:
        if aws.deployment != self.name:
            raise StackError(
                f"this stack is called {self.name!r}, but things made through {aws!r} belong to {aws.deployment!r}: "
                "give both one name, so that a run takes away only what is its own"
            )


def _action(resource: Resource, aws: Aws, actual: Actual | None) -> Iterator[Action]:
    """What makes a (resolved) wish true of what is there; nothing, if it is so."""
    if actual is None:
        yield Action("create", resource.address, changes=tuple(_new_values(resource)))
        return
    changes = differences(resource, aws, actual)
    refuse(resource, actual, changes)
    if changes:
        yield Action("update", resource.address, actual.id, tuple(changes.values()))


def _new_values(resource: Resource) -> Iterator[Change]:
    return (Change(name, None, desired) for name, desired in resource.desired().items())


def in_order(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """The nodes, each after what it needs; among equals in the order of the stack."""
    placed: dict[str, None] = {}

    def place(node: str) -> None:
        if node not in placed:
            for need in sorted(edges[node]):
                place(need)
            placed[node] = None

    for node in edges:
        place(node)
    return list(placed)
