"""Lock: one run at a time at work on a deployment.

A lock is a lease: a run renews it as long as it runs, and the lock of a killed run expires by itself. Whether a lease
has expired is decided by the clock of AWS, which is in each of its answers, so it does not matter
whose clock is wrong. The run judges by the time that has gone by, and gives up earlier.

Turns are counted, and the count outlives the lock. So a run can look at AWS first, see that there is something to do,
and know from the count alone that nobody has changed anything meanwhile.
"""

from __future__ import annotations

import logging
import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from itertools import chain, repeat
from types import TracebackType
from typing import Final, Self

from dify_aws.aws import Aws
from dify_aws.errors import AwsError, DifyAwsError
from dify_aws.events import Event, Listener, quiet
from dify_aws.operations.access.client_identity import this_run
from dify_aws.operations.lock.errors import LockLost
from dify_aws.operations.lock.lock_owner import LockOwner
from dify_aws.operations.lock.lock_table import LockState, LockTable
from dify_aws.operations.lock.process_identity import ProcessIdentity

log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 120.0
"""How long after its last renewal the lock of a killed run is free."""

MARGIN_SECONDS: Final = 10.0
"""The run itself gives up this much earlier: AWS's time is in whole seconds, and an answer needs time to arrive."""

RENEWALS: Final = 4
"""How often a lease is renewed before it would run out: all but one may fail."""

BEAT_SECONDS: Final = 5.0
"""How often it is looked whether it is time to renew."""

POLL_SECONDS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the looks of who waits for another run; the last one again and again."""

SETTLE_SECONDS: Final = 10.0
"""How long AWS may still execute what a run of this machine has sent before it ended, and not show it yet."""

TRIES: Final = 5
"""How often another run may take the lock between our read and our write."""


class Lock:
    """The lock of the deployment that ``aws`` belongs to. A context manager, for one use.

    Args:
        aws: the deployment, and where it is.
        reason: what the run is about to do, for others who have to wait ("apply").
        wait: seconds to wait for the end of another run; 0 does not wait. None: only as long as it takes to see that
            the other run lives (about half a minute), or to outlast its lease if it is dead.
        lease_seconds: how long after the last renewal the lock of a killed run is free.
        beat_seconds: how often it is looked whether it is time to renew.
        listener: receives an event with the run that is waited for.
    """

    def __init__(
        self,
        aws: Aws,
        reason: str,
        *,
        wait: float | None = 0.0,
        lease_seconds: float = LEASE_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        listener: Listener = quiet,
    ) -> None:
        self.id = uuid.uuid4().hex
        self._aws = aws
        self._table = LockTable(aws)
        self._reason = reason
        self._wait = wait
        self._lease = timedelta(seconds=lease_seconds)
        self._beat = beat_seconds
        self._listener = listener
        self._observed: LockState | None = None
        self._usable: LockState | None = None
        self._turn = 0
        self._ended = threading.Event()
        self._renewing = threading.Lock()
        self._renewed = 0.0
        self._lost = ""

    def look(self) -> bool:
        """Whether nobody has it; to be called before one looks at what may have to be changed. One call."""
        # After a Ctrl-C, which has ended all waiting, this is a new run.
        self._aws.begin()
        seen = self._table.look()
        self._observed = seen or LockState()
        # That somebody has it may not be so any more when it counts.
        self._usable = seen if seen and seen.lock_owner is None else None
        return self._observed.lock_owner is None

    @property
    def unchanged_since_look(self) -> bool:
        """Whether nobody else has had the lock between :meth:`look` and now, when it is ours."""
        return self._observed == LockState(self._turn)

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            AlreadyLocked: another run has it, and had it still at the end of the wait.
            NotOurs: there is a table of that name that is not ours.
        """
        if self._observed is None:
            self._aws.begin()
        lock_owner = self._take()
        if lock_owner is not None and self._wait != 0:
            log.info("waiting for %s", lock_owner)
            longest = (lock_owner.expires - self._table.now()).total_seconds() if self._wait is None else self._wait
            detail = f"{lock_owner}; at the most {longest:.0f} s" + (
                ", or until it renews its lock and so is alive" if self._wait is None else ""
            )
            self._listener(Event("waiting", detail=detail, where=self._aws.deployment))
            lock_owner = self._outlast(lock_owner) if self._wait is None else self._wait_for_the_end(self._wait)
        if lock_owner is not None:
            raise lock_owner.as_error()
        # A step may take many minutes in which nothing of ours is called (images are pulled, a NAT gateway is made):
        # only a thread can renew then. It ends with the process, however that ends, and with it the lease.
        try:
            threading.Thread(target=self._renew_until_the_end, name="dify-aws-lock", daemon=True).start()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with self._renewing:
            if self._lost:
                return
            try:
                self._table.remove(self.id)
            except AwsError as refused:
                # The work is done, and the lock ends by itself: no reason to fail.
                log.warning("the lock of %s is free only in %s: %s", self._aws.deployment, self._lease, refused)

    def check(self) -> None:
        """To be called before each step: asks AWS nothing until it is time to renew.

        It cannot stop what is under way: the other services of AWS know nothing of our lock.

        Raises:
            LockLost: the lock went to another run, or may have gone there.
        """
        try:
            self._keep()
        except AwsError as refused:
            log.debug("the lock could not be renewed: %s", refused)
            if self._aws.clock.now() >= self._renewed + self._lease.total_seconds() - MARGIN_SECONDS:
                self._lost = f"it could not be renewed in time ({refused})"
        if why := self._lost or ("it has been given back" if self._ended.is_set() else ""):
            raise LockLost(self._aws.deployment, why)

    def _wait_for_the_end(self, seconds: float) -> LockOwner | None:
        def taken() -> bool | None:
            return True if self._take() is None else None

        return None if self._aws.retries.until(taken, seconds) else self._take()

    def _outlast(self, seen: LockOwner) -> LockOwner | None:
        """Wait until the lock is free or the lease is over, unless it is renewed: then the other run lives."""
        lock_owner: LockOwner | None = seen
        pauses = chain(POLL_SECONDS, repeat(POLL_SECONDS[-1]))
        while lock_owner is not None and (lock_owner.id, lock_owner.expires) == (seen.id, seen.expires):
            left = (seen.expires - self._table.now()).total_seconds()
            # A second more, because AWS gives its time in whole ones.
            self._aws.clock.sleep(min(next(pauses), max(left, 0) + 1))
            lock_owner = self._take()
        return lock_owner

    def _take(self) -> LockOwner | None:
        """Take the lock if it is free; else who has it."""
        for _ in range(TRIES):
            # A look before all work counts once: it saves a call.
            lock_state, self._usable = self._usable or self._table.look_at_made(), None
            lock_owner = lock_state.lock_owner
            if lock_owner is not None and lock_owner.id == self.id:
                # The answer to our writing was lost, and botocore sent it again, to find that there is a lock already.
                return None
            if lock_owner is not None and lock_owner.expires > self._table.now():
                if not lock_owner.has_ended:
                    return lock_owner
                self._settle(lock_owner)
            began, now = self._aws.clock.now(), self._table.at_the_latest()
            process = ProcessIdentity.of_this_process()
            own = LockOwner(self._aws.deployment, self.id, this_run(), self._reason, now, now + self._lease, process)
            self._turn = lock_state.turn
            try:
                taken = self._table.put(own, over=lock_state)
            except BaseException:
                # Also Ctrl-C: it may be ours by now, and nobody would ever know.
                with suppress(AwsError):
                    self._table.remove(self.id)
                raise
            self._renewed = began
            if taken:
                return None
        raise DifyAwsError(f"others take and give back the lock of {self._aws.deployment} all the time. Run again.")

    def _settle(self, killed: LockOwner) -> None:
        """Wait until what a process of this machine has sent before it ended has arrived, or is lost."""
        log.info("the process of this lock has ended: %s", killed)
        detail = (
            f"{SETTLE_SECONDS:.0f} s for the last requests of {killed.owner}, which was killed during {killed.reason}"
        )
        self._listener(Event("waiting", detail=detail, where=self._aws.deployment))
        self._aws.clock.sleep(SETTLE_SECONDS)

    def _keep(self) -> None:
        """Renew if it is time to."""
        with self._renewing:
            began = self._aws.clock.now()
            if self._lost or self._ended.is_set() or began < self._renewed + self._lease.total_seconds() / RENEWALS:
                return
            # Whatever the clock says: as long as nobody has taken it, it is ours to renew.
            if self._table.renew(self.id, self._table.at_the_latest() + self._lease):
                self._renewed = began
            else:
                self._lost = "somebody has unlocked it, or it went to another run"

    def _renew_until_the_end(self) -> None:
        # Waits in real time, and looks at the clock of the deployment. Offline, that clock is moved by whoever
        # sleeps on it: a renewal thread that slept there would move it by days.
        while not self._ended.wait(self._beat) and not self._lost:
            try:
                self._keep()
            except AwsError as refused:
                log.debug("the lock could not be renewed: %s", refused)
            except BaseException:  # noqa: BLE001 - what ends the run ends its threads too, and is reported by the run
                return
