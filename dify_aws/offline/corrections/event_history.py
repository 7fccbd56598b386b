"""Event history: CloudTrail records the creation of volumes, with or without a trail."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects
from dify_aws.offline.corrections.schedules import utc

SECONDS_UNTIL_SHOWN = 300
SECONDS_KEPT = 90 * 86_400

_HISTORY = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html"
_EVENTS = "event history"


@corrects(
    "moto.ec2.responses:EC2Response",
    "create_volume",
    says="CloudTrail records each CreateVolume, with the requested tags, whether there is a trail or not.",
    link=_HISTORY,
)
def creation_is_recorded(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    tags = [
        {"resourceType": kind, "tags": [{"key": key, "value": value} for key, value in its.items()]}
        for kind, its in response._parse_tag_specification().items()
    ]
    requested = {"zone": response._get_param("AvailabilityZone"), "tagSpecificationSet": {"items": tags}}
    event = {"eventName": "CreateVolume", "requestParameters": requested}
    cloud.remember(_EVENTS)[answer.result.id] = (cloud.clock.now(), utc(cloud), event)
    return answer


@corrects(
    "moto.cloudtrail.responses:CloudTrailResponse",
    "call_action",
    says="LookupEvents returns the events of a resource in the last 90 days, with a delay of some minutes.",
    link="https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html",
)
def event_history_is_returned(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    if response._get_action() != "LookupEvents":
        return original()
    requested = {each["AttributeKey"]: each["AttributeValue"] for each in json.loads(response.body)["LookupAttributes"]}
    with cloud.lock:
        found = cloud.remember(_EVENTS).get(requested.get("ResourceName"))
        now = cloud.clock.now()
    events = []
    # Sums, not differences: at infinite speed the time is infinite, and a difference of two of them is no number.
    if found and found[0] + SECONDS_UNTIL_SHOWN <= now <= found[0] + SECONDS_KEPT:
        _, at, event = found
        events = [{"EventName": event["eventName"], "EventTime": at.timestamp(), "CloudTrailEvent": json.dumps(event)}]
    headers = {"content-type": "application/x-amz-json-1.1", "status": "200"}
    return 200, headers, json.dumps({"Events": events})


CORRECTIONS = (creation_is_recorded, event_history_is_returned)
