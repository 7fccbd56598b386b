"""Survey: one look at everything of a deployment, all reads at once. Every run begins with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from dify_aws.aws import Aws
from dify_aws.engine.resource import Actual, Resource, kinds
from dify_aws.engine.walk import WORKERS
from dify_aws.errors import ResourceError


@dataclass(frozen=True)
class Survey:
    """What is there: ``found`` for each wished-for address (None: not there), ``retired`` for what is ours and no
    longer wished for, ``refused`` for what cannot be told apart or is not ours."""

    found: Mapping[str, Actual | None]
    retired: Mapping[str, tuple[type[Resource], Actual]]
    refused: Sequence[tuple[str, Exception]] = field(default=())


def survey(aws: Aws, resources: Sequence[Resource]) -> Survey:
    """Look for each of ``resources`` and for everything else that carries the deployment's tag.

    Nothing waits for anything but AWS: ``find`` needs no other resource, and the census shares what several need.
    """
    aws.census.forget_all()
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="dify-aws-survey") as pool:
        owning = {kind: pool.submit(_listed, kind, aws) for kind in kinds().values()}
        finding = {each.address: pool.submit(each.find, aws) for each in resources}
    found: dict[str, Actual | None] = {}
    refused: list[tuple[str, Exception]] = []
    for address, looking in finding.items():
        try:
            found[address] = looking.result()
        except ResourceError as error:
            refused.append((address, error))
    retired: dict[str, tuple[type[Resource], Actual]] = {}
    for kind, actual in _each(owning):
        if actual.address not in finding:
            # A twin of something that is itself no longer wished for still has to go: its id tells the two apart.
            place = actual.address if actual.address not in retired else f"{actual.address} ({actual.id})"
            retired[place] = (kind, actual)
    return Survey(found, retired, refused)


def _listed(kind: type[Resource], aws: Aws) -> list[Actual]:
    return list(kind.owned(aws))


def _each(owning: Mapping[type[Resource], Future[list[Actual]]]) -> Iterator[tuple[type[Resource], Actual]]:
    for kind, listing in owning.items():
        for actual in listing.result():
            yield kind, actual


