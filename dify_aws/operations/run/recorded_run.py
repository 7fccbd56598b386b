"""RecordedRun: one run that changes a deployment: it holds the lock, and its record is written before the release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from dify_aws.errors import DifyAwsError, RunFailed
from dify_aws.operations.cost.costs_now import costs_now
from dify_aws.operations.history.history import write_record
from dify_aws.operations.lock.lock import Lock
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.outputs import Outputs
from dify_aws.prices.sheet import PriceSheet
from dify_aws.run_interrupted import RunInterrupted


class RecordedRun:
    """The run lock of one run, with a note of what the run did.

    It is a :class:`~dify_aws.engine.run_lock.RunLock`: enter it, or give it to a stack that enters it when it knows
    that there is something to do. Leaving it releases nothing; :func:`recorded_run` does that, after the record is
    written, so that the record of the next run always comes later.

    Args:
        lock: the lock of the deployment.
    """

    def __init__(self, lock: Lock) -> None:
        self.changes: list[Mapping[str, Any]] = []
        self.outputs: Outputs | None = None
        self._lock = lock
        self._is_locked = False

    def look(self) -> bool:
        """See :meth:`dify_aws.engine.run_lock.RunLock.look`."""
        return self._lock.look()

    @property
    def unchanged_since_look(self) -> bool:
        """See :attr:`dify_aws.engine.run_lock.RunLock.unchanged_since_look`."""
        return self._lock.unchanged_since_look

    def check(self) -> None:
        """See :meth:`dify_aws.engine.run_lock.RunLock.check`."""
        self._lock.check()

    def note(self, changes: Sequence[Mapping[str, Any]], outputs: Outputs | None = None) -> None:
        """Note what the run is about to change, or has changed, for its record.

        Args:
            changes: each with its ``verb`` and ``address``.
            outputs: the outputs afterwards, where there are any.

        Raises:
            RuntimeError: something is changed and the lock was not taken: a mistake in the verb.
        """
        if changes and not self._is_locked:
            raise RuntimeError("a verb changes the deployment without its lock: enter its run first")
        self.changes += changes
        self.outputs = outputs or self.outputs

    def release(self) -> None:
        """Release the lock, if it was taken."""
        if self._is_locked:
            self._lock.__exit__(None, None, None)
        self._is_locked = False

    def __enter__(self) -> Self:
        self._lock.__enter__()
        self._is_locked = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the lock: it is released after the record is written."""


@contextmanager
def recorded_run(context: DeploymentContext, name: str) -> Iterator[RecordedRun]:
    """One run of a verb: what it noted is recorded when it ends, also if it fails, and then its lock is released.

    Args:
        context: the deployment.
        name: the name of the verb, in the lock and in the record.
    """
    run = RecordedRun(Lock(context.aws, name, wait=context.wait, listener=context.listener))

    def write(verb: str) -> None:
        write_record(context.aws, context.settings, run.changes, run.outputs, verb=verb)

    try:
        yield run
        write(name)
    except DifyAwsError as error:
        # The next run finds this done and does not do it again, so nobody else would report it.
        if isinstance(error, RunFailed):
            run.changes += [{"verb": "done", "address": address} for address in error.done]
        write(f"{name} (failed)")
        raise
    except RunInterrupted as stopped:
        stopped.costs = costs_now(stopped.found, PriceSheet.shipped(), context.aws.region)
        stopped.resume = f"{name}()"
        raise
    finally:
        run.release()
