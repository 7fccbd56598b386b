"""Walk: visit the nodes of a graph, each as soon as what it needs is done, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Final, Generic, TypeVar

from dify_aws.errors import StackError
from dify_aws.run_interrupted import RunInterrupted

T = TypeVar("T")

WORKERS: Final = 16


@dataclass
class Walked(Generic[T]):
    """How a walk ended: what each visit returned or raised, and what was not tried."""

    done: dict[str, T] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    not_tried: tuple[str, ...] = ()


def walk(
    edges: Mapping[str, Iterable[str]],
    visit: Callable[[str], T],
    *,
    workers: int = WORKERS,
    may_fail: Container[str] = (),
    on_interrupt: Callable[[], None] = lambda: None,
) -> Walked[T]:
    """Visit every node after all that it needs (``edges[node]``).

    When a visit fails, nothing new is started, what runs is finished, and the rest is told as not tried. Ctrl-C is the
    same: ``on_interrupt`` asks running visits to end their waits. The failure of a node that ``may_fail`` only keeps
    those from being started that need it.

    Raises:
        StackError: the graph has a cycle; it is named.
        RunInterrupted (KeyboardInterrupt): Ctrl-C was pressed; it says which visits are done.
        BaseException: what is not an ``Exception`` in a visit (the process is dying) goes through at once.
    """
    sorter = prepared(edges)
    walked: Walked[T] = Walked()
    running: dict[Future[T], str] = {}
    ready: list[str] = []
    stopping = threading.Event()
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="dify-aws") as pool:
        try:
            while sorter.is_active():
                ready += sorter.get_ready()
                # Nothing is queued in the pool: it would start there even after a failure.
                while ready and len(running) < workers and not stopping.is_set():
                    node = ready.pop(0)
                    running[pool.submit(visit, node)] = node
                if not running:
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    node = running.pop(future)
                    if not _settled(node, future, walked, sorter) and node not in may_fail:
                        stopping.set()
        except KeyboardInterrupt:
            on_interrupt()
            for future in running:
                future.cancel()
            wait(running)
            for future, node in running.items():
                if not future.cancelled() and future.exception() is None:
                    walked.done[node] = future.result()
            raise RunInterrupted(walked.done, [node for node in edges if node not in walked.done]) from None
    known = walked.done.keys() | walked.failures.keys()
    walked.not_tried = tuple(node for node in edges if node not in known)
    return walked


def prepared(edges: Mapping[str, Iterable[str]]) -> TopologicalSorter[str]:
    """The sorter of a graph, ready to give nodes. StackError names a cycle."""
    sorter = TopologicalSorter(edges)
    try:
        sorter.prepare()
    except CycleError as error:
        raise StackError(f"these need each other in a circle: {' → '.join(error.args[1])}") from error
    return sorter


def _settled(node: str, future: Future[T], walked: Walked[T], sorter: TopologicalSorter[str]) -> bool:
    """Note how a visit ended; whether it was done."""
    error = future.exception()
    if error is None:
        walked.done[node] = future.result()
        sorter.done(node)
        return True
    if not isinstance(error, Exception):
        raise error
    walked.failures[node] = error
    return False
