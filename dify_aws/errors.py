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
    │   ├── OutcomeUnknown            no answer: AWS may or may not have done it
    │   └── WaitTimedOut (TimeoutError)
    ├── ResourceError                 one resource cannot reach its desired state
    │   ├── Ambiguous                 two resources have one address
    │   ├── NotOurs                   the name is taken by something that we did not make
    │   ├── FixedAttribute            cannot change without replacing the thing
    │   ├── ChangeRefused             possible on paper, not in AWS (a volume cannot shrink)
    │   ├── DeletionProtected         AWS was told not to delete it
    │   ├── NotConverged              every call succeeded, and the state is still not the desired one
    │   └── UnexpectedAnswer          AWS's answer cannot be read (aws/errors/unexpected_answer.py)
    ├── StackError (ValueError)       a stack that cannot be: a cycle, two equal addresses, a reference to nothing
    ├── PlanRefused                   the plan holds what cannot be done; nothing was changed
    ├── PlanOutdated                  AWS has moved since the plan was shown
    ├── AlreadyLocked, LockUnreadable, LockLost: see operations/lock/errors.py
    ├── RunFailed                     something failed on the way: what, what is done, what was not tried
    ├── DomainElsewhere               the domain does not lead to the machine (runtimes/compose/https/domain.py)
    └── HostError                     something is wrong with the machine: see host/errors.py

Each says where it happened, what AWS answered, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    """A resource did not reach the desired state in time."""


class ResourceError(DifyAwsError):
    """One resource cannot reach its desired state. ``address`` says which."""

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
    """Every call succeeded, and the resource is still not in its desired state."""


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


class RunFailed(DifyAwsError):
    """A run stopped on the way.

    ``failures`` maps addresses to errors, ``done`` and ``not_tried`` are addresses. What was done stays done:
    the next run finds it and goes on from there.
    """

    def __init__(self, failures: dict[str, Exception], done: Iterable[str], not_tried: Iterable[str]) -> None:
        self.failures = dict(failures)
        self.done = tuple(done)
        self.not_tried = tuple(not_tried)
        # One cause may have stopped many resources at once: it is reported once.
        alike: dict[str, list[str]] = {}
        for address, error in self.failures.items():
            alike.setdefault(str(error), []).append(address)
        text = f"{len(self.failures)} failed:\n" + _listed(
            f"{', '.join(addresses)}: {why}" for why, addresses in alike.items()
        )
        text += f"\ndone: {', '.join(self.done) or 'nothing'}\nnot tried: {', '.join(self.not_tried) or 'nothing'}"
        super().__init__(text + "\nNothing is lost: fix the cause and run again to go on from here.")


def _listed(items: Iterable[object]) -> str:
    return "\n".join("  - " + str(item).replace("\n", "\n    ") for item in items)
