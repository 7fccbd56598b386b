"""Converge: the life of one resource. Find it, make it if it is not there, mend what differs, look again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAGS
from dify_aws.aws.errors.error_meaning import already_exists
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.change import Change
from dify_aws.engine.difference import differences, refuse
from dify_aws.engine.resource import Actual, Resource
from dify_aws.errors import AwsError, NotConverged, OutcomeUnknown

APPEAR_SECONDS: Final = 30.0
"""After this long, what was made and is still not to be seen is taken for a thing that a used-up token once made."""

COMPLETE_SECONDS: Final = 120.0
"""How long AWS may leave something out of its answers about a thing that can be used already."""

ROUNDS: Final = 2
"""How often a thing is mended before we give up."""

CREATE_ATTEMPTS: Final = 20
"""How many things that were made and deleted before are passed over where AWS answers a used token with the old thing.
Each is waited for (``APPEAR_SECONDS``): AWS does not say which of them are gone."""


def converge(resource: Resource, aws: Aws, found: Actual | None) -> Actual:
    """Make the (resolved) wish true, beginning with what was ``found``; what is there in the end.

    Raises:
        FixedAttribute, ChangeRefused: AWS cannot change this in place.
        NotConverged: AWS accepted everything, and it is still not so.
        UnexpectedAnswer: AWS's answer cannot be read. What was made carries its tags, and the next run finds it.
    """
    with reading(resource.address, "make it as wished for"):
        return _converged(resource, aws, found)


def _converged(resource: Resource, aws: Aws, found: Actual | None) -> Actual:
    actual = found if found is not None else create(resource, aws)
    for _ in range(ROUNDS):
        actual = _complete(resource, aws, actual)
        changes = differences(resource, aws, actual)
        if not changes:
            return actual
        _correct(resource, aws, actual, changes)
        actual = _there(resource, _stable(resource, aws))
    actual = _complete(resource, aws, actual)
    if not (changes := differences(resource, aws, actual)):
        return actual
    still = "; ".join(str(change) for change in changes.values())
    raise NotConverged(
        resource.address,
        f"AWS accepted the change {ROUNDS} times, and it is still not so: {still}. "
        f"Somebody else may be changing {actual.id} at the same time; run again.",
    )


def create(resource: Resource, aws: Aws) -> Actual:
    """Create the bare thing that is not there; what it is at first. :func:`converge` does the rest.

    Raises:
        AwsError: AWS refuses to create it.
        NotConverged: AWS says that it was created, and never shows it.
    """
    for _ in range(CREATE_ATTEMPTS):
        uncertain: AwsError | None = None
        try:
            made = resource.create(aws)
            if made is not None:
                return made
        except OutcomeUnknown as error:
            uncertain = error
        except AwsError as error:
            # Somebody was there first: perhaps ourselves, in a run that was killed. ``find`` shows it.
            if not already_exists(error, resource.already_exists):
                raise
            uncertain = error
        actual = aws.retries.until(_fresh_read(resource, aws), APPEAR_SECONDS)
        if actual is not None:
            return actual
        if uncertain is not None and not isinstance(uncertain, OutcomeUnknown):
            raise uncertain
        if uncertain is None:
            aws.next_generation(resource.address)
    raise NotConverged(
        resource.address,
        f"AWS said {CREATE_ATTEMPTS} times that it was made, and it was never to be seen. Run again in some minutes; "
        f"look for things tagged dify-aws:address={resource.address} in the console if it stays so.",
    )


def wait_until_shown(resource: Resource, aws: Aws) -> None:
    """Wait until AWS shows what was made: the next run would make it again, and a destroy would leave it behind.

    Args:
        resource: what this run made; of a kind that is ``eventually_consistent``.

    Raises:
        NotConverged: it is still not shown after ``APPEAR_SECONDS``.
    """
    with reading(resource.address, "see that it is there"):
        # What was read since it was made need not be asked again.
        shown = resource.find(aws) or aws.retries.until(_fresh_read(resource, aws), APPEAR_SECONDS)
    if shown is None:
        raise NotConverged(
            resource.address,
            f"it was made, and AWS does not show it after {APPEAR_SECONDS:.0f} s. Run again in some minutes.",
        )


def remove(kind: type[Resource], aws: Aws, actual: Actual) -> None:
    """Delete what was found, and wait until it is gone."""
    with reading(actual.address or actual.id, "delete it"):
        kind.delete(aws, actual)
    aws.read_cache.forget(*kind.tables)


def _correct(resource: Resource, aws: Aws, actual: Actual, changes: dict[str, Change]) -> None:
    refuse(resource, actual, changes)
    if TAGS in changes:
        resource.retag(aws, actual, cast(Mapping[str, str], changes[TAGS].after))
        aws.read_cache.forget(TAGS)
    if names := frozenset(changes) - {TAGS}:
        resource.update(aws, actual, names)


def _complete(resource: Resource, aws: Aws, actual: Actual) -> Actual:
    """The thing when it can be used and AWS shows all of it.

    What was seen before the wait is not compared: AWS leaves out what belongs to a thing that is on its way.
    """
    if not resource.ready(aws, actual) and not actual.pending:
        return actual
    last: list[Actual | None] = [None]
    look = _fresh_read(resource, aws)

    def complete() -> Actual | None:
        last[0] = seen = look()
        return None if seen is None or seen.pending else seen

    seen = _there(resource, aws.retries.until(complete, COMPLETE_SECONDS) or last[0])
    if seen.pending:
        raise NotConverged(
            resource.address,
            f"AWS does not show the {', '.join(seen.pending)} of {seen.id} after {COMPLETE_SECONDS:.0f} s. "
            "Look at it in the console, and run again in some minutes.",
        )
    return seen


def _there(resource: Resource, seen: Actual | None) -> Actual:
    if seen is None:
        raise NotConverged(resource.address, "it went away meanwhile. Run again to make it anew.")
    return seen


def _stable(resource: Resource, aws: Aws) -> Actual | None:
    """The thing once it is seen to be as wished; else as it is in the end, or None if it is not there.

    The first answer counts if it shows the change: what AWS may yet show wrongly is seen by the next plan. After one
    that does not, AWS may answer with the old and the new state alternately, so several in a row are needed.
    """
    last: list[Actual | None] = [None]
    look = _fresh_read(resource, aws)
    late, in_a_row = False, 0

    def as_desired() -> Actual | None:
        nonlocal late, in_a_row
        last[0] = actual = look()
        changes = differences(resource, aws, actual) if actual is not None else {}
        # AWS shows a new thing with its tags. Whoever dropped all of them while it was made will not bring them later.
        if actual is None or (changes and (TAGS not in changes or actual.tags)):
            late, in_a_row = True, 0
            return None
        in_a_row += 1
        return actual if not late or in_a_row >= resource.steady_answers else None

    return aws.retries.until(as_desired, resource.settle_seconds) or last[0]


def _fresh_read(resource: Resource, aws: Aws) -> Callable[[], Actual | None]:
    """A look that never sees an answer from before it; the first one may be shared with others that look now."""

    def look() -> Actual | None:
        aws.read_cache.forget(*resource.tables)
        return resource.find(aws)

    return look
