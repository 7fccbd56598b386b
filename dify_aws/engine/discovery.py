"""Survey: one look at everything of a deployment, all reads at once. Every run begins with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from dify_aws.aws import Aws
from dify_aws.aws.errors.availability import is_unavailable
from dify_aws.aws.errors.unexpected_answer import UnexpectedAnswer, reading
from dify_aws.engine.fact import Fact
from dify_aws.engine.resource import Actual, Resource, kinds
from dify_aws.errors import AwsError, ResourceError
from dify_aws.walk import WORKERS

Things: TypeAlias = Mapping[str, tuple[type[Resource], Actual]]
"""Things that were found, by place: the address, with the id behind it where two carry the same one."""


@dataclass(frozen=True)
class Discovery:
    """What is there.

    ``found`` has each wished-for address (None: not there); ``owned`` everything that carries the deployment's tag;
    ``refused`` why something wished for cannot be told apart, or is not ours; ``facts`` the addresses where nothing of
    ours is wished for, because something that is there is used.
    """

    found: Mapping[str, Actual | None]
    owned: Sequence[tuple[type[Resource], Actual]]
    refused: Sequence[tuple[str, ResourceError]] = ()
    facts: frozenset[str] = frozenset()

    @property
    def unreadable(self) -> tuple[tuple[str, ResourceError], ...]:
        """Those of ``refused`` where AWS's answer could not be read: nobody knows what is there."""
        return tuple(each for each in self.refused if isinstance(each[1], UnexpectedAnswer))

    def retired(self) -> Things:
        """What is ours, and no longer wished for."""
        desired = self.found.keys() - self.facts
        return _placed(each for each in self.owned if each[1].address not in desired)

    def everything(self, resources: Mapping[str, Resource]) -> Things:
        """All that is ours: what carries our tag, and what was found by its name (AWS's index of tags lags behind)."""
        by_name = (
            (type(resources[address]), actual)
            for address, actual in self.found.items()
            if actual is not None and not isinstance(resources[address], Fact)
        )
        return _placed([*by_name, *self.owned])


def discover(aws: Aws, resources: Sequence[Resource], possible: Collection[type[Resource]] | None) -> Discovery:
    """Look for each of ``resources`` and for everything else that carries the deployment's tag.

    Nothing waits for anything but AWS: ``find`` needs no other resource, and the census shares what several need.

    Args:
        aws: the deployment.
        resources: what is wished for.
        possible: the kinds with a listing of their own that it can have, beside those of ``resources``; None: every
            kind that is loaded. Kinds that are listed without a call of their own are always looked for.
    """
    aws.begin()
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="dify-aws-survey") as pool:
        desired = {type(each) for each in resources}
        listed = [kind for kind in kinds().values() if kind in desired or is_possible(kind, possible)]
        owning = {kind: pool.submit(owned, kind, aws, desired=kind in desired) for kind in listed}
        finding = {each.address: pool.submit(_find, each, aws) for each in resources}
    found: dict[str, Actual | None] = {}
    refused: list[tuple[str, ResourceError]] = []
    for address, looking in finding.items():
        try:
            found[address] = looking.result()
        except ResourceError as error:
            refused.append((address, error))
    ours: list[tuple[type[Resource], Actual]] = []
    for kind, listing in owning.items():
        try:
            ours += [(kind, actual) for actual in listing.result()]
        except UnexpectedAnswer as error:
            refused.append((kind.kind, error))
    facts = frozenset(each.address for each in resources if isinstance(each, Fact))
    return Discovery(found, ours, refused, facts)


def is_possible(kind: type[Resource], possible: Collection[type[Resource]] | None) -> bool:
    """Whether things of a kind are looked for: those that cost no call always are."""
    return possible is None or kind in possible or kind.shared_listing


def owned(kind: type[Resource], aws: Aws, *, desired: bool = False) -> list[Actual]:
    """What there is of a kind. Of one that nobody wishes for and that the region does not have, there is nothing."""
    try:
        with reading(kind.kind, "list what there is"):
            return list(kind.owned(aws))
    except AwsError as error:
        if desired or not is_unavailable(error):
            raise
        return []


def _find(resource: Resource, aws: Aws) -> Actual | None:
    with reading(resource.address, "find it"):
        return resource.find(aws)


def _placed(things: Iterable[tuple[type[Resource], Actual]]) -> Things:
    placed: dict[str, tuple[type[Resource], Actual]] = {}
    for kind, actual in things:
        place = actual.address
        if place in placed and placed[place][1].id != actual.id:
            place = f"{actual.address} ({actual.id})"
        placed[place] = (kind, actual)
    return placed
