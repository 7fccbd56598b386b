"""Schedules: EventBridge Scheduler executes a schedule at its time, with its role."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from moto.ec2.exceptions import EC2ClientError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models import ec2_backends
from moto.ec2.responses.security_groups import parse_sg_attributes_from_dict
from moto.iam.models import iam_backends
from moto.scheduler.exceptions import ScheduleGroupNotFound, ValidationException
from moto.scheduler.models import scheduler_backends
from moto.utilities.utils import get_partition

from dify_aws.offline.clock import VirtualClock
from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects
from dify_aws.offline.corrections.iam.policies import listed, statements_in
from dify_aws.offline.corrections.schedule_groups import is_deleting

SECONDS_LATE = 60
SECONDS_UNTIL_ROLE_IS_KNOWN = 10

SCHEDULER = "scheduler.amazonaws.com"
REVOKE = "ec2:RevokeSecurityGroupIngress"
TARGETS = re.compile(r"arn:[a-z-]+:scheduler:::aws-sdk:ec2:revokeSecurityGroupIngress")

_RESPONSES = "moto.scheduler.responses:EventBridgeSchedulerResponse"
_BACKEND = "moto.scheduler.models:EventBridgeSchedulerBackend"
_TYPES = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
_ROLE = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role"
_GROUPS = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group.html"


def utc(cloud: Cloud) -> datetime:
    """The time of day in the world; with a virtual clock, the start time plus the virtual time since then."""
    if not isinstance(cloud.clock, VirtualClock):
        # Other processes, with the real clock, use this one.
        return datetime.now(UTC)
    with cloud.lock:
        began: datetime = cloud.remember("time of day").setdefault("at 0", datetime.now(UTC))
        return began + timedelta(seconds=cloud.clock.now())


def _at_its_time(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    with cloud.lock:
        cloud.settle()
        _execute_due_schedules(cloud)
        status, headers, body = original()
        if isinstance(cloud.clock, VirtualClock):
            headers = {**headers, "date": format_datetime(utc(cloud), usegmt=True)}
        return status, headers, body


_SAYS = "A one-time schedule is executed in the minute after its time. Every response has AWS's own time in it."
before_ec2_answers = corrects("moto.ec2.responses:EC2Response", "call_action", says=_SAYS, link=_TYPES)(_at_its_time)
before_the_scheduler_answers = corrects(_RESPONSES, "call_action", says=_SAYS, link=_TYPES)(_at_its_time)


def _execute_due_schedules(cloud: Cloud) -> None:
    for account, region, group, schedule in list(_schedules()):
        due = _moment(schedule)
        if due is None or utc(cloud) < due + timedelta(seconds=SECONDS_LATE) or schedule.state != "ENABLED":
            continue
        _execute(account, region, group, schedule.target)
        # With NONE it is kept, and is not executed again.
        schedule.state = "COMPLETED"
        if schedule.action_after_completion == "DELETE":
            group.schedules.pop(schedule.name, None)


def _schedules() -> Iterator[tuple[str, str, Any, Any]]:
    for account, region, backend in scheduler_backends.iter_backends():
        for group in backend.schedule_groups.values():
            for schedule in group.schedules.values():
                yield account, region, group, schedule


def _moment(schedule: Any) -> datetime | None:
    """When a one-time schedule is due; None for a recurring one, which is not executed here."""
    match = re.fullmatch(r"at\((.*)\)", schedule.schedule_expression)
    zone = ZoneInfo(schedule.schedule_expression_timezone)
    return datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone) if match else None


def _execute(account: str, region: str, group: Any, target: Any) -> None:
    request = json.loads(target["Input"])
    arn = f"arn:{get_partition(region)}:ec2:{region}:{account}:security-group/{request['GroupId']}"
    role = _role(account, region, target["RoleArn"])
    if role is None or not _trusts(role, account, group.arn) or not _allows(role, REVOKE, arn):
        return
    for permission in request["IpPermissions"]:
        # Errors of the target are not reported.
        with suppress(EC2ClientError):
            ec2_backends[account][region].revoke_security_group_ingress(
                request["GroupId"], *parse_sg_attributes_from_dict(permission)
            )


def _role(account: str, region: str, arn: str) -> Any:
    roles = iam_backends[account][get_partition(region)].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def _trusts(role: Any, account: str, group_arn: str) -> bool:
    context = {"aws:SourceAccount": account, "aws:SourceArn": group_arn}
    return any(
        statement["Principal"].get("Service") == SCHEDULER
        and all(
            any(fnmatchcase(context.get(key, ""), each) for each in listed(wanted))
            for test in statement.get("Condition", {}).values()
            for key, wanted in test.items()
        )
        for statement in statements_in(role.assume_role_policy_document)
    )


def _allows(role: Any, action: str, arn: str) -> bool:
    statements = (each for policy in role.policies.values() for each in statements_in(policy))
    return any(
        statement["Effect"] == "Allow"
        and any(fnmatchcase(action, each) for each in statement["Action"])
        and any(fnmatchcase(arn, each) for each in statement["Resource"])
        for statement in statements
    )


@corrects(
    "moto.iam.responses:IamResponse",
    "create_role",
    says="Other services see a new IAM role after some seconds.",
    link="https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html",
)
def a_new_role_spreads(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    with cloud.lock:
        key = (response.current_account, response._get_param("RoleName"))
        cloud.remember("roles known at")[key] = cloud.clock.now() + SECONDS_UNTIL_ROLE_IS_KNOWN
    return answer


@corrects(
    _BACKEND,
    "create_schedule",
    "update_schedule",
    says="A schedule needs an existing group, and a role that EventBridge Scheduler can assume.",
    link=_ROLE,
)
def role_is_validated(cloud: Cloud, original: Callable[..., Any], backend: Any, **given: Any) -> Any:
    group, target = backend.get_schedule_group(given["group_name"]), given["target"]
    if group.name != "default" and is_deleting(group):
        raise ScheduleGroupNotFound(group.name)
    if not TARGETS.fullmatch(target["Arn"]):
        raise NotImplementedError(f"The offline world does not know how to carry out {target['Arn']}.")
    role = _role(backend.account_id, backend.region_name, target["RoleArn"])
    known_at = cloud.remember("roles known at").get((backend.account_id, role.name), 0.0) if role else 0.0
    if role is None or cloud.clock.now() < known_at or not _trusts(role, backend.account_id, group.arn):
        raise ValidationException(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        )
    return original(**given)


@corrects(
    _RESPONSES,
    "update_schedule",
    says="UpdateSchedule replaces the whole schedule: omitted parameters get their defaults.",
    link="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html",
)
def all_of_it_is_replaced(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    name = response.uri.split("?")[0].split("/")[-1]
    schedule = response.scheduler_backend.get_schedule(response._get_param("GroupName"), name)
    schedule.action_after_completion = response._get_param("ActionAfterCompletion") or "NONE"
    schedule.state = response._get_param("State") or "ENABLED"
    return answer


@corrects(
    _RESPONSES,
    "create_schedule",
    "create_schedule_group",
    says="The same client token creates nothing new.",
    link="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html",
)
def one_token_one_thing(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    token = response._get_param("ClientToken")
    spent = cloud.remember("tokens of the scheduler")
    key = (response.current_account, response.region, response._get_action(), token)
    if token is None or key not in spent:
        spent[key] = original()
    return spent[key]


@corrects(
    "moto.ec2.responses:EC2Response",
    "create_tags",
    says="A rule of a security group that does not exist cannot be tagged.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
)
def only_a_rule_that_is_there_is_tagged(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    wanted = {id for id in response._get_param("Resources", []) if id.startswith("sgr-")}
    if wanted:
        known = {rule.id for rule in response.ec2_backend.describe_security_group_rules([], {})}
        for id in sorted(wanted - known):
            raise InvalidSecurityGroupRuleIdNotFoundError(id)
    return original()


CORRECTIONS = (
    a_new_role_spreads,
    role_is_validated,
    all_of_it_is_replaced,
    one_token_one_thing,
    only_a_rule_that_is_there_is_tagged,
    before_ec2_answers,
    before_the_scheduler_answers,
)
