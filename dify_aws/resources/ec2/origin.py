"""Origin: what beside its tags says that we made a thing of EC2, which has no name of ours.

Whoever may tag can write our tags on anything. The key pair of an instance is fixed at its launch, what a volume is
attached to is changed by whoever may attach volumes, and the event history of CloudTrail is written by AWS alone.
docs/decisions/tags-delete-no-data.md says why it is these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import CLIENT_TOKEN, TAG_DEPLOYMENT, tag_map
from dify_aws.aws.date import answered_at
from dify_aws.aws.physical_name import physical_name
from dify_aws.errors import AwsError
from dify_aws.foreign_json import parse_json
from dify_aws.resources.ec2.ec2_resource import ours

HISTORY_DAYS: Final = 90
HISTORY_LAG_SECONDS: Final = 15 * 60
"""Event history shows a call within minutes, and keeps it for 90 days.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html"""

LOOK_AGAIN_SECONDS: Final = 30.0


def foreign_launch(aws: Aws, key_name: str, client_token: str) -> str:
    """Why an instance was not launched by this deployment; empty if it was.

    AWS fixes both at the launch. The name of a key pair of ours has the deployment in it, so the machine of another
    deployment is foreign, too. A client token says only that dify_aws may have launched it: it counts where there is
    no key pair.

    Args:
        aws: the deployment.
        key_name: the key pair that the instance was launched with; empty if none.
        client_token: the client token that it was launched with.
    """
    if key_name:
        ours = key_name.startswith(physical_name(aws.deployment, ""))
        return "" if ours else f"it was launched with the key pair {key_name!r}, and not with one of this deployment"
    ours = CLIENT_TOKEN.fullmatch(client_token) is not None
    return "" if ours else f"it was launched with the client token {client_token!r}, and not with one of ours"


def is_our_instance(aws: Aws, instance_id: str) -> bool:
    """Whether an instance carries our tag and was launched by us. No call after a survey."""
    return any(
        instance["InstanceId"] == instance_id
        and not foreign_launch(aws, instance.get("KeyName", ""), instance.get("ClientToken", ""))
        for reservation in ours(aws, "instances", "ec2.DescribeInstances", "Reservations")
        for instance in reservation["Instances"]
        if tag_map(instance.get("Tags")).get(TAG_DEPLOYMENT) == aws.deployment
    )


def created_by_us(aws: Aws, volume_id: str) -> bool:
    """Whether the event history has a CreateVolume of this volume that put our tag on it in the same request.

    A volume younger than the lag of the event history is waited for.

    Raises:
        AwsError: AWS could not be asked.
    """
    answer = aws.call("ec2.DescribeVolumes", VolumeIds=[volume_id])
    age = (answered_at(answer) - answer["Volumes"][0]["CreateTime"]).total_seconds()
    began = aws.clock.now()
    while True:
        events = list(_creations(aws, volume_id))
        if events or age + aws.clock.now() - began > HISTORY_LAG_SECONDS:
            return any(_tags_us(aws, event) for event in events)
        aws.clock.sleep(LOOK_AGAIN_SECONDS)


def _creations(aws: Aws, volume_id: str) -> Iterator[dict[str, Any]]:
    attribute = {"AttributeKey": "ResourceName", "AttributeValue": volume_id}
    for event in aws.pages("cloudtrail.LookupEvents", "Events", LookupAttributes=[attribute]):
        if event.get("EventName") == "CreateVolume":
            try:
                yield parse_json(event.get("CloudTrailEvent", "{}"))
            except ValueError as error:
                raise AwsError("cloudtrail.LookupEvents", "Malformed", f"the event of {volume_id}: {error}") from error


def _tags_us(aws: Aws, event: object) -> bool:
    request = event.get("requestParameters") if isinstance(event, dict) else None
    return any(each.get("key") == TAG_DEPLOYMENT and each.get("value") == aws.deployment for each in _mappings(request))


def _mappings(value: object) -> Iterator[Mapping[Any, Any]]:
    """Every mapping in a value, however deep."""
    if isinstance(value, Mapping):
        yield value
    items: Iterable[object] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for item in items:
        yield from _mappings(item)
