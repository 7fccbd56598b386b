"""CreationOrder: what has to be created before something else is, beyond what references say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dify_aws.engine.resource import Actual, Ref, Resource


def creation_edges(
    resources: Mapping[str, Resource], edges: Mapping[str, Iterable[str]], found: Mapping[str, Actual | None]
) -> tuple[dict[str, set[str]], dict[str, str]]:
    """The graph of a run: ``edges``, and what ``created_after`` adds for what is not there yet.

    What a resource needs only for its ``update`` may itself be ``created_after`` that resource: a data volume is for an
    instance that AWS has room for, and the instance has the volume attached. Then the instance is two nodes: its
    creation, and the rest.

    Args:
        resources: by address.
        edges: what each needs, from the references.
        found: what is there.

    Returns:
        The graph, and the address of each node of it that is only the creation of a resource.
    """
    graph = {address: set(needs) for address, needs in edges.items()}
    creations: dict[str, str] = {}
    for address, resource in resources.items():
        ref = resource.created_after
        if not isinstance(ref, Ref) or found.get(address) is not None or found.get(ref.address) is not None:
            continue
        first = resources[ref.address]
        if not first.set_later:
            graph[address].add(first.address)
            continue
        node = f"{first.address} (creation)"
        creations[node] = first.address
        graph[node] = set(edges[first.address]) - {each.address for each in first.refs(first.set_later)}
        graph[first.address].add(node)
        graph[address].add(node)
    return graph, creations
