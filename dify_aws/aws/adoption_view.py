"""Adopting: the door of a run in which one thing of somebody else looks as if it carried our tags. It only reads.

So what would be so after a tagging is seen before it, by the same code that sees everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dify_aws.aws.client import Aws
from dify_aws.aws.create_request import tag_list, tag_map


@dataclass(frozen=True)
class Listed:
    """How EC2 lists the things of a kind: the operation, what its answer calls them, the filter for one id, and where
    the id stands in one."""

    operation: str
    result: str
    filter: str
    member: str

    def one(self, aws: Aws, id: str) -> dict[str, Any] | None:
        """The thing with this id, whoever owns it; None if there is none."""
        found = aws.pages(self.operation, self.result, Filters=[{"Name": self.filter, "Values": [id]}])
        return next((thing for item in found for thing in _of_id(item, self.member, id)), None)


class AdoptionView(Aws):
    """See the module.

    Args:
        aws: the door of the deployment.
        listed: how things of that kind are listed.
        id: of the one thing.
        tags: what it looks as if it carried, beside its own.
    """

    def __init__(self, aws: Aws, listed: Listed, id: str, tags: Mapping[str, str]) -> None:
        super().__init__(aws.session, deployment=aws.deployment, region=aws.region, tags=aws.tags)
        self._listed = listed
        self._id = id
        self._as_if = dict(tags)

    def pages(self, operation: str, result: str, **params: Any) -> list[dict[str, Any]]:
        """See :meth:`Aws.pages`. Where our tag is asked for, the one thing is found as well."""
        found = super().pages(operation, result, **params)
        if operation != self._listed.operation:
            return found
        if not any(True for item in found for _ in _of_id(item, self._listed.member, self._id)):
            own_filter = [{"Name": self._listed.filter, "Values": [self._id]}]
            found = [*found, *super().pages(operation, result, **{**params, "Filters": own_filter})]
        for item in found:
            for thing in _of_id(item, self._listed.member, self._id):
                thing["Tags"] = tag_list({**tag_map(thing.get("Tags")), **self._as_if})
        return found


def _of_id(item: Any, member: str, id: str) -> Iterator[dict[str, Any]]:
    """The dict that is the thing itself: instances stand inside of reservations."""
    if isinstance(item, dict):
        if item.get(member) == id:
            yield item
            return
        for value in item.values():
            yield from _of_id(value, member, id)
    elif isinstance(item, list):
        for each in item:
            yield from _of_id(each, member, id)
