"""Instance: it runs, AWS's own checks of it are passed, and the region still has its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from dify_aws.operations.diagnosis.checks.check_context import CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, unknown, warning, wrong

PERMISSIONS: Final = frozenset(
    {"ec2:DescribeInstanceStatus", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeRegions"}
)

ADVICE: Final = {
    "SystemStatus": "The computer below it is broken: stop it and apply(), which starts it on another one.",
    "InstanceStatus": "The system on it does not answer: look at its console log (aws ec2 get-console-output), "
    "then reboot it.",
    "AttachedEbsStatus": "A disk does not answer. If it stays so, stop the machine and apply().",
}
"""What to do when one of AWS's checks fails.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html"""


def instance(context: CheckContext) -> Iterator[Finding]:
    """Its state, AWS's status checks, and what AWS plans to do with it."""
    actual = context.find(context.addresses.host)
    if actual is None:
        yield wrong("instance", "there is none: it was terminated, or never made", "deploy() makes it.")
        return
    state = actual["state"]
    if state != "running":
        yield wrong("instance", f"{actual.id} is {state}", "apply() starts it.")
        return
    yield ok("instance", f"{actual.id} is running, a {actual['instance_type']} in {actual['availability_zone']}")
    answer = context.aws.call("ec2.DescribeInstanceStatus", InstanceIds=[actual.id], IncludeAllInstances=True)
    for status in answer["InstanceStatuses"]:
        yield from _status_checks(status)
        for event in status.get("Events", ()):
            if not event.get("Description", "").startswith(("[Completed]", "[Canceled]")):
                evidence = f"AWS will {event['Code']} it, not before {event.get('NotBefore', 'an unknown date')}"
                yield warning("scheduled event", evidence, "Stop it and apply() before that, at a time that suits you.")


def _status_checks(status: Mapping[str, Any]) -> Iterator[Finding]:
    statuses = {name: status[name]["Status"] for name in ADVICE if name in status}
    evidence = ", ".join(f"{name}: {value}" for name, value in statuses.items())
    failed = [name for name, value in statuses.items() if value == "impaired"]
    if failed:
        yield wrong("status checks", evidence, " ".join(ADVICE[name] for name in failed))
    elif set(statuses.values()) <= {"ok", "not-applicable"}:
        yield ok("status checks", evidence)
    else:
        yield unknown("status checks", evidence, "AWS takes some minutes after a start. Look again then.")


def offer(context: CheckContext) -> Iterator[Finding]:
    """Whether a machine of the desired type could be made, or started again, where this one is."""
    kind, region = context.settings.instance_type, context.settings.region
    offers = context.aws.pages(
        "ec2.DescribeInstanceTypeOfferings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [kind]}],
    )
    zones = sorted(each["Location"] for each in offers)
    actual = context.find(context.addresses.host)
    place = actual["availability_zone"] if actual else context.settings.availability_zone
    if not zones:
        yield wrong("instance type", f"{region} does not offer {kind}", "Choose another instance_type.")
    elif place and place not in zones:
        evidence = f"{place} does not offer {kind}; {', '.join(zones)} do"
        yield wrong("instance type", evidence, "Choose an instance_type of this zone: the data volume cannot move.")
    else:
        yield ok("instance type", f"{kind} is offered in {', '.join(zones)}")
