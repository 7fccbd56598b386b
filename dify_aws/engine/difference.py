"""Difference: how what is there differs from what is wished for."""

from __future__ import annotations

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAGS
from dify_aws.change import Change
from dify_aws.engine.fact import Fact
from dify_aws.engine.resource import PENDING, Actual, Resource
from dify_aws.errors import FixedAttribute


def differences(resource: Resource, aws: Aws, actual: Actual) -> dict[str, Change]:
    """The attributes of ``actual`` that are not as the (resolved) wish says, with their tags under ``tags``.

    Tags that we do not set are left alone: people and their tools put their own on things. What AWS does not show yet
    is no difference.
    """
    changes = {
        name: Change(name, actual.values[name], desired)
        for name, desired in resource.desired().items()
        if actual.values[name] not in (desired, PENDING)
    }
    if isinstance(resource, Fact):
        return changes
    wanted = aws.ownership(resource.address, keep=resource.keep)
    wrong = {key: value for key, value in wanted.items() if actual.tags.get(key) != value}
    if wrong:
        changes[TAGS] = Change(TAGS, {key: actual.tags[key] for key in wrong if key in actual.tags}, wrong)
    return changes


def refuse(resource: Resource, actual: Actual, changes: dict[str, Change]) -> None:
    """Raise if a difference cannot be mended in place. Nothing has been changed yet."""
    for name, change in changes.items():
        if name in resource.fixed:
            raise FixedAttribute(resource.address, name, change.before, change.after)
    resource.check(actual, changes)
