"""Every error of dify_aws, as one tree.

::

    DifyAwsError                      catch this to catch everything
    ├── SettingsError (ValueError)    the input is wrong; every problem at once
    │   └── ReleaseError              a record or a checkout of Dify cannot be read: see dify/errors.py
    ├── AwsError                      AWS refused a call: operation, code, request id
    │   ├── CredentialsError          none found, or AWS does not accept them
    │   ├── PermissionDenied          which action, on what, for whom
    │   ├── QuotaExceeded             which quota, and where to raise it
    │   ├── NotAvailable              the region, partition or emulator does not have the operation
    │   ├── OutcomeUnknown                   no answer: AWS may or may not have done it
    │   └── WaitTimedOut (TimeoutError)
    ├── ResourceError                 one resource cannot become what was wished for
    │   ├── Ambiguous                 two things carry one address
    │   ├── NotOurs                   the name is taken by something that we did not make
    │   ├── FixedAttribute            cannot change without replacing the thing
    │   ├── ChangeRefused             possible on paper, not in AWS (a volume cannot shrink)
    │   ├── DeletionProtected         AWS was told not to delete it
    │   ├── NotConverged              AWS said yes to everything and it is still not so
    │   └── UnexpectedAnswer          AWS's answer cannot be read (aws/unexpected_answer.py)
    ├── StackError (ValueError)       a stack that cannot be: a cycle, a twin, a stranger's reference
    ├── PlanRefused                   the plan holds what cannot be done; nothing was changed
    ├── PlanOutdated                  AWS has moved since the plan was shown
    ├── AlreadyLocked                      another run is at work on the deployment: who, since when, until when
    ├── LockUnreadable                the lock of the deployment was edited, and says nothing that can be used
    ├── LockLost                      the lock of this run went to another one
    ├── RunFailed                     something failed on the way: what, what is done, what was not tried
    ├── DomainElsewhere               the domain does not lead to the machine (runtimes/compose/https/domain.py)
    └── HostError                     something is wrong with the machine: see host/errors.py

Each says where it happened, what AWS answered, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dify_aws.pickling import Picklable
from dify_aws.printable import printable


class DifyAwsError(Picklable, Exception):
    """Base of every error that dify_aws raises on purpose. Each can be copied, and sent to another process.

    Its text may quote AWS, a host or a container, and never holds what a terminal would obey.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(each) if isinstance(each, str) else each for each in args))


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input: the field, its value, what is wrong, and what would be right."""

    field: str
    value: object
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.field} = {self.value!r}: {self.wrong}. {self.right}"


class SettingsError(DifyAwsError, ValueError):
    """The settings cannot be used. ``problems`` has every one of them, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{count} in the settings:\n" + _listed(self.problems))


class AwsError(DifyAwsError):
    """AWS refused a call.

    ``operation`` is ``service.Operation`` ("ec2.CreateVpc"), ``code`` and ``request_id`` are AWS's own.
    """

    def __init__(
        self,
        operation: str,
        code: str,
        message: str,
        *,
        request_id: str = "",
        status: int = 0,
        advice: str = "",
    ) -> None:
        self.operation = operation
        self.code = code
        self.message = message
        self.request_id = request_id
        self.status = status
        self.advice = advice
        text = f"{operation}: {code}" + (f": {message}" if message else "")
        if request_id:
            text += f" (request id {request_id})"
        super().__init__(text + (f"\n{advice}" if advice else ""))


class CredentialsError(AwsError):
    """No credentials were found, or AWS does not accept those that were."""


class PermissionDenied(AwsError):
    """The credentials are good, but they may not do this. ``action`` is the missing IAM action."""

    def __init__(
        self, operation: str, code: str, message: str, *, action: str, request_id: str, status: int, advice: str
    ) -> None:
        self.action = action
        super().__init__(operation, code, message, request_id=request_id, status=status, advice=advice)


class QuotaExceeded(AwsError):
    """A quota of the account is used up."""


class NotAvailable(AwsError):
    """The region, the partition or the emulator that was asked does not have the operation, or not the service."""


class OutcomeUnknown(AwsError):
    """The connection broke, or AWS failed, after the request was sent: it may have been carried out."""


class WaitTimedOut(AwsError, TimeoutError):
    """A thing did not reach the wished state in time."""


class ResourceError(DifyAwsError):
    """One resource cannot become what was wished for. ``address`` says which."""

    def __init__(self, address: str, message: str) -> None:
        self.address = address
        super().__init__(message)


class Ambiguous(ResourceError):
    """Two or more things in AWS carry the same address, so none of them may be touched."""

    def __init__(self, address: str, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)
        super().__init__(
            address,
            f"{len(self.ids)} things carry the address {address}: {', '.join(self.ids)}. "
            "Look at them, remove the tag dify-aws:address from what is not wanted (or delete it), and run again.",
        )


class NotOurs(ResourceError):
    """The name is taken by a thing that does not carry our ownership tag. It is left alone."""

    def __init__(
        self, address: str, name: str, deployment: str, *, owner: str | None = None, adopt: str | None = None
    ) -> None:
        who = f"belongs to the deployment {owner!r}" if owner else f"carries no tag that says it is {deployment}'s"
        if adopt is None or owner:
            take_over = f"tag it dify-aws:deployment={deployment} and dify-aws:address={address} to hand it over"
        else:
            take_over = f'take it over with adopt("{address}", "{adopt}"), also if its tags were only taken off'
        super().__init__(
            address,
            f"{name} exists already and {who}; it stays untouched. "
            f"Choose another name, delete it yourself, or {take_over}, and run again.",
        )


class FixedAttribute(ResourceError):
    """AWS cannot change this attribute of a thing that exists, and nothing is replaced silently."""

    def __init__(self, address: str, attribute: str, before: object, after: object) -> None:
        self.attribute = attribute
        super().__init__(
            address,
            f"{attribute} is {before!r} and cannot become {after!r}: AWS fixes it at creation. "
            f"Go back to {before!r}, or save the data, destroy() the whole, and apply again.",
        )


class ChangeRefused(ResourceError):
    """A change that AWS cannot make, found before anything was changed."""


class DeletionProtected(ResourceError):
    """AWS was told not to delete this thing, so nothing at all is deleted before that is taken back."""

    def __init__(self, address: str, id: str, protection: str, remedy: str) -> None:
        self.id = id
        self.protection = protection
        super().__init__(
            address, f"{id} has {protection}, which somebody switched on. If it is to go: {remedy}; then run again."
        )


class NotConverged(ResourceError):
    """Every call succeeded, and the thing is still not what was wished for."""


class StackError(DifyAwsError, ValueError):
    """A stack that cannot be built: a cycle, two equal addresses, or a reference to a resource outside it."""


class PlanRefused(DifyAwsError):
    """The plan holds what cannot be done. Nothing was changed. ``errors`` has every reason."""

    def __init__(self, errors: Iterable[tuple[str, Exception]]) -> None:
        self.errors = tuple(errors)
        reasons = [f"{address}: {error}" for address, error in self.errors]
        super().__init__("this cannot be applied, and nothing was changed:\n" + _listed(reasons))


class PlanOutdated(DifyAwsError):
    """AWS has moved since the plan was shown: applying now would do more than was agreed to."""

    def __init__(self, more: Iterable[object]) -> None:
        self.more = tuple(more)
        super().__init__(
            "AWS has changed since this plan was made, and applying would now also do this:\n"
            + _listed(self.more)
            + "\nNothing was changed. Make a new plan, look at it, and apply that."
        )


class AlreadyLocked(DifyAwsError):
    """Another run is at work on the deployment. Nothing was changed.

    ``lock_id`` is what ``unlock`` wants; ``owner``, ``reason``, ``since`` and ``until`` (UTC) tell of that run.
    """

    def __init__(
        self, deployment: str, *, lock_id: str, owner: str, reason: str, since: datetime, until: datetime
    ) -> None:
        self.lock_id = lock_id
        self.owner = owner
        self.reason = reason
        self.since = since
        self.until = until
        super().__init__(
            f"{deployment} is locked: {owner} has been at {reason} since {since:%Y-%m-%d %H:%M:%S} UTC. "
            f"Wait for the end of that run. If it is dead, the lock is free at {until:%Y-%m-%d %H:%M:%S} UTC; a run "
            f'that lives goes on to renew it. If you know better: unlock("{lock_id}").'
        )


class LockUnreadable(DifyAwsError):
    """The lock item was edited, and nobody can tell whose it is. Nothing was changed. ``unlock`` takes ``lock_id``."""

    def __init__(self, deployment: str, table: str, *, lock_id: str, wrong: str) -> None:
        self.lock_id = lock_id
        super().__init__(
            f"the lock of {deployment} in the table {table} cannot be read: {wrong}. Somebody has edited it, so nobody "
            f'can tell whether a run is at work. If you know that none is, take it away: unlock("{lock_id}").'
        )


class LockLost(DifyAwsError):
    """The lock was taken from this run, by ``unlock`` or because it could not be renewed in time."""

    def __init__(self, deployment: str, why: str) -> None:
        super().__init__(
            f"this run has lost its lock on {deployment}: {why}. Another run may be at work there, so this one stops. "
            "Nothing is lost: run again to go on from here."
        )


class RunFailed(DifyAwsError):
    """A run stopped on the way.

    ``failures`` maps addresses to errors, ``done`` and ``not_tried`` are addresses. What was done stays done:
    the next run finds it and goes on from there.
    """

    def __init__(self, failures: dict[str, Exception], done: Iterable[str], not_tried: Iterable[str]) -> None:
        self.failures = dict(failures)
        self.done = tuple(done)
        self.not_tried = tuple(not_tried)
        # One cause may have stopped many things at once: it is told once.
        alike: dict[str, list[str]] = {}
        for address, error in self.failures.items():
            alike.setdefault(str(error), []).append(address)
        text = f"{len(self.failures)} failed:\n" + _listed(
            f"{', '.join(addresses)}: {why}" for why, addresses in alike.items()
        )
        text += f"\ndone: {_enumerated(self.done)}\nnot tried: {_enumerated(self.not_tried)}"
        super().__init__(text + "\nNothing is lost: mend the cause and run again to go on from here.")


def _listed(items: Iterable[object]) -> str:
    return "\n".join("  - " + str(item).replace("\n", "\n    ") for item in items)


def _enumerated(addresses: Sequence[str]) -> str:
    return ", ".join(addresses) if addresses else "nothing"
