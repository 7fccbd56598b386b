"""Converge: the life of one resource. Find it, make it if it is not there, mend what differs, look again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dify_aws.aws import Aws
from dify_aws.change import shown
from dify_aws.engine.difference import TAGS, differences, refuse
from dify_aws.engine.resource import Actual, Resource
from dify_aws.errors import AwsError, InDoubt, NotConverged

APPEAR_SECONDS: Final = 30.0
"""After this long, what was made and is still not to be seen is taken for a thing that a used-up token once made."""

SETTLE_SECONDS: Final = 60.0
"""How long a change that AWS accepted may take to show."""

BIRTHS: Final = 4

TAKEN: Final = frozenset(
    {
        "AlreadyExists",
        "AlreadyExistsException",
        "EntityAlreadyExists",
        "ResourceAlreadyExistsException",
        "ResourceExistsException",
        "BucketAlreadyOwnedByYou",
        "InvalidKeyPair.Duplicate",
        "InvalidGroup.Duplicate",
        "InvalidSubnet.Conflict",
        "RouteAlreadyExists",
    }
)
"""Somebody was there first: perhaps ourselves, a moment ago, in a run that died. ``find`` will tell."""


def converge(resource: Resource, aws: Aws, found: Actual | None) -> Actual:
    """Make the (resolved) wish true, beginning with what was ``found``; what is there in the end.

    Raises:
        FixedAttribute, ChangeRefused: AWS cannot change this in place.
        NotConverged: AWS accepted everything, and it is still not so.
    """
    actual = found if found is not None else _born(resource, aws)
    if resource.ready(aws, actual):
        actual = _again(resource, aws)
    changes = differences(resource, aws, actual)
    if not changes:
        return actual
    refuse(resource, actual, changes)
    if TAGS in changes:
        resource.retag(aws, actual, changes[TAGS].after)  # type: ignore[arg-type]
        aws.census.forget(TAGS)
    names = frozenset(changes) - {TAGS}
    if names:
        resource.update(aws, actual, names)
    aws.census.forget(*resource.tables)
    return _settled(resource, aws)


def remove(kind: type[Resource], aws: Aws, actual: Actual) -> None:
    """Delete what was found, and wait until it is gone."""
    kind.delete(aws, actual)
    aws.census.forget(*kind.tables)


def _born(resource: Resource, aws: Aws) -> Actual:
    for _ in range(BIRTHS):
        doubt: AwsError | None = None
        try:
            resource.create(aws)
        except InDoubt as error:
            doubt = error
        except AwsError as error:
            if error.code not in TAKEN:
                raise
            doubt = error
        actual = _appeared(resource, aws)
        if actual is not None:
            return actual
        if doubt is not None and not isinstance(doubt, InDoubt):
            raise doubt
        if doubt is None:
            aws.next_turn(resource.address)
    raise NotConverged(
        resource.address,
        f"AWS said {BIRTHS} times that it was made, and it was never to be seen. Run again in some minutes; "
        f"look for things tagged dify-aws:address={resource.address} in the console if it stays so.",
    )


def _appeared(resource: Resource, aws: Aws) -> Actual | None:
    return aws.patience.until(_fresh_look(resource, aws), APPEAR_SECONDS)


def _again(resource: Resource, aws: Aws) -> Actual:
    actual = _appeared(resource, aws)
    if actual is None:
        raise NotConverged(resource.address, "it went away while it was being waited for. Run again to make it anew.")
    return actual


def _settled(resource: Resource, aws: Aws) -> Actual:
    seen: list[Actual | None] = []

    def as_wished() -> Actual | None:
        actual = _fresh_look(resource, aws)()
        seen[:] = [actual]
        return None if actual is None or differences(resource, aws, actual) else actual

    actual = aws.patience.until(as_wished, SETTLE_SECONDS)
    if actual is not None:
        return actual
    if not seen or seen[0] is None:
        raise NotConverged(resource.address, "it went away while it was being changed. Run again to make it anew.")
    still = "; ".join(str(change) for change in differences(resource, aws, seen[0]).values())
    raise NotConverged(
        resource.address,
        f"AWS accepted the change, and {SETTLE_SECONDS:.0f} s later it is still not so: {still}. "
        f"Somebody else may be changing {shown(seen[0].id)} at the same time; run again.",
    )


def _fresh_look(resource: Resource, aws: Aws) -> Callable[[], Actual | None]:
    """A look that never sees an answer from before it; the first one may be shared with others that look now."""

    def look() -> Actual | None:
        aws.census.forget(*resource.tables)
        return resource.find(aws)

    return look
