"""Schedule groups: their names are unique, and a deleted one stays for a moment."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.scheduler.exceptions import ScheduleExists

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

SECONDS_DELETING = 30

_BACKEND = "moto.scheduler.models:EventBridgeSchedulerBackend"
_GROUPS = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group.html"


@corrects(
    _BACKEND,
    "create_schedule_group",
    says="The name of a schedule group is unique, also during its deletion.",
    link="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html",
)
def one_name_one_group(cloud: Cloud, original: Callable[..., Any], backend: Any, **given: Any) -> Any:
    if given["name"] in backend.schedule_groups:
        error = ScheduleExists(given["name"])
        error.message = f"Schedule group {given['name']} already exists."
        raise error
    return original(**given)


@corrects(
    _BACKEND,
    "delete_schedule_group",
    says="A schedule group is DELETING for some seconds, and its schedules are deleted with it.",
    link=_GROUPS,
)
def deleting_takes_a_moment(cloud: Cloud, original: Callable[..., Any], backend: Any, name: str) -> None:
    group = backend.get_schedule_group(name)
    if not is_deleting(group):
        group.going = True
        group.schedules.clear()
        cloud.later(SECONDS_DELETING, functools.partial(backend.schedule_groups.pop, name, None))


@corrects(
    "moto.scheduler.models:ScheduleGroup",
    "to_dict",
    says="The state of a schedule group is ACTIVE or DELETING.",
    link="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetScheduleGroup.html",
)
def state_is_reported(cloud: Cloud, original: Callable[[], Any], group: Any) -> Any:
    return {**original(), "State": "DELETING" if is_deleting(group) else "ACTIVE"}


def is_deleting(group: Any) -> bool:
    """Whether a group was deleted a moment ago."""
    return getattr(group, "going", False)


CORRECTIONS = (one_name_one_group, deleting_takes_a_moment, state_is_reported)
