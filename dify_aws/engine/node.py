"""Node: work in the walk of a stack that is no resource, such as a stage of an installation on a host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from dify_aws.engine.resource import Actual
from dify_aws.errors import StackError
from dify_aws.walk import walk

Found = Mapping[str, Actual | None]


class Referable(Protocol):
    """What can be needed: a resource, a reference to an attribute of one, or another node."""

    @property
    def address(self) -> str:
        """Of the resource or node."""


@dataclass(frozen=True, eq=False)
class Node:
    """One piece of work. It begins when all that it needs is there.

    Args:
        address: its place in the walk, in progress and in errors: "dify/docker".
        needs: what must be there before.
        run: does it. It is given what it needs, directly or not, and nothing else: it cannot read what it does not
            wait for.
    """

    address: str
    needs: tuple[Referable, ...]
    run: Callable[[Mapping[str, Actual]], None] = field(repr=False)


@dataclass(frozen=True)
class Nodes:
    """Nodes that belong together, such as the stages of one installation.

    Args:
        nodes: they, in any order.
        check: is given what there is before anything is changed; it raises PlanRefused if the nodes cannot be done.
        stop: ends what they wait for, when the run is being stopped (Ctrl-C).
    """

    nodes: tuple[Node, ...] = ()
    check: Callable[[Found], None] = lambda found: None
    stop: Callable[[], None] = lambda: None

    def by_address(self) -> dict[str, Node]:
        """The nodes by their addresses."""
        return {node.address: node for node in self.nodes}

    def edges(self, edges: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
        """The graph of a stack with the nodes in it.

        Args:
            edges: what each resource needs.

        Raises:
            StackError: a node is called like something else, or needs what neither the stack nor the nodes have.
        """
        graph = {address: set(needs) for address, needs in edges.items()}
        for node in self.nodes:
            if node.address in graph:
                raise StackError(f"two nodes are called {node.address}: give one of them another name")
            graph[node.address] = {need.address for need in node.needs}
        for node in self.nodes:
            if strangers := graph[node.address] - graph.keys():
                raise StackError(f"{node.address} needs {', '.join(sorted(strangers))}, which this stack does not have")
        return graph


NO_NODES: Final = Nodes()


def run_nodes(nodes: Nodes, edges: Mapping[str, Iterable[str]], found: Found) -> dict[str, Exception]:
    """Run only the nodes, where all resources are there already.

    Args:
        nodes: what is done.
        edges: what each resource needs.
        found: the resources, by address.

    Returns:
        What the nodes raised, by address. It stopped only what needs them.

    Raises:
        RunInterrupted (KeyboardInterrupt): Ctrl-C was pressed.
    """
    graph, work = nodes.edges(edges), nodes.by_address()
    walked = walk(
        {address: graph[address] & work.keys() for address in work},
        lambda address: work[address].run(visible(address, graph, found)),
        may_fail=work,
        on_interrupt=nodes.stop,
    )
    return walked.failures


def visible(address: str, graph: Mapping[str, Iterable[str]], found: Found) -> dict[str, Actual]:
    """What a node may see: the resources that it needs, and all that those need.

    Args:
        address: of the node.
        graph: what each node and resource needs.
        found: all that is there, by address.
    """
    needed: set[str] = set()
    new = set(graph[address])
    while new:
        needed |= new
        new = {each for need in new for each in graph[need]} - needed
    return {each: actual for each in found if each in needed and (actual := found[each]) is not None}
