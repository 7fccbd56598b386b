"""Witness: a session that tells, for each call through it, what AWS would ask IAM at that moment.

It knows what a call says and what earlier answers said: whose tags a thing carries, which role is in a profile.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dify_aws.aws.actions import action_of
from dify_aws.offline.session import OfflineSession
from tests.support.iam_policy import Context, Request
from tests.support.iam_reference import EC2, EC2_IDS, ELSEWHERE, TAGGING, TO_EVERYBODY

ACCOUNT = "123456789012"
EC2_ID = re.compile(r"([a-z]+)-[0-9a-f]{8,17}")


class IamRecorder:
    """Stands in for a session of the offline world, and is one in everything that is not told here.

    ``requests`` are all questions so far, each once, with the operations that led to it.
    """

    def __init__(self, session: OfflineSession) -> None:
        self._real: Any = session
        self._lock = threading.RLock()
        self._tags: dict[str, dict[str, str]] = {}
        self._together: dict[str, set[str]] = {}
        self._arns: dict[str, str] = {}
        self._roles_in: dict[str, str] = {}
        self._listening: set[int] = set()
        self.requests: dict[str, Request] = {}
        self.operations: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def client(self, service: str, region_name: str | None = None, **options: Any) -> Any:
        """The session's client, which is listened to."""
        client = self._real.client(service, region_name=region_name, **options)
        with self._lock:
            if id(client) not in self._listening:
                self._listening.add(id(client))
                region = client.meta.region_name

                def before(params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
                    context["request"] = model.service_model.service_name, model.name, dict(params)
                    service, name, text = context["request"]
                    self._before(service, name, text, region)

                def after(parsed: dict[str, Any], context: dict[str, Any], **_: object) -> None:
                    service, name, text = context["request"]
                    self._after(service, name, text, parsed, region)

                client.meta.events.register_last("before-parameter-build", before)
                client.meta.events.register_last("after-call", after)
        return client

    def _before(self, service: str, name: str, params: dict[str, Any], region: str) -> None:
        operation = f"{service}.{name}"
        if operation in TO_EVERYBODY:
            return
        with self._lock:
            requests_of_call = (
                self._ec2(name, params, region) if service == "ec2" else self._other(operation, params, region)
            )
            for request in requests_of_call:
                context_values = {"aws:RequestedRegion": (region,), **request.context}
                full = Request(request.action, request.resource, context_values)
                self.requests.setdefault(str(full), full)
                self.operations.setdefault(str(full), operation)

    # EC2 -------------------------------------------------------------------------------------------------------------

    def _ec2(self, name: str, params: dict[str, Any], region: str) -> Iterator[Request]:
        def arn(kind: str, id: str) -> str:
            return f"arn:aws:ec2:{region}:{'' if kind == 'image' else ACCOUNT}:{kind}/{id}"

        action = f"ec2:{name}"
        if name in ("CreateTags", "DeleteTags"):
            values = _request_tags(params["Tags"])
            for id in params["Resources"]:
                yield Request(action, arn(_kind(id), self._name(id)), {**values, **self._tags_of(id)})
            return
        if name not in EC2:
            assert name.startswith("Describe"), f"tests/support/iam_reference.py does not know ec2.{name}"
            yield Request(action, "*")
            return
        specified = {each["ResourceType"]: each["Tags"] for each in params.get("TagSpecifications", ())}
        for word in EC2[name].split():
            kind, _, path = word.partition("=")
            if kind.startswith("+"):
                made = kind[1:]
                tags = _request_tags(specified[made]) if made in specified else {}
                yield Request(action, arn(made, "*"), tags)
                if tags:
                    yield Request("ec2:CreateTags", arn(made, "*"), {**tags, "ec2:CreateAction": (name,)})
            elif kind == "pass":
                yield from (self._pass(self._roles_in[each], "ec2") for each in _at(params, path))
            else:
                for id in self._meant(kind, _at(params, path)):
                    yield Request(action, arn(kind, id), self._tags_of(id))
        if name == "CreateInstanceConnectEndpoint":
            # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/permissions-for-ec2-instance-connect-endpoint.html
            interface = "ec2:CreateNetworkInterface"
            yield Request(interface, arn("network-interface", "*"))
            for kind, path in (("subnet", "SubnetId"), ("security-group", "SecurityGroupIds")):
                yield from (Request(interface, arn(kind, id), self._tags_of(id)) for id in _at(params, path))
            service = "ec2-instance-connect.amazonaws.com"
            role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/AWSServiceRoleForEC2InstanceConnect"
            yield Request("iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": (service,)})

    def opens_tunnel(self, endpoint: str, region: str) -> None:
        """A tunnel to port 22 is opened: that is no call of the API, but an address with a signature."""
        arn = f"arn:aws:ec2:{region}:{ACCOUNT}:instance-connect-endpoint/{endpoint}"
        key = {"ec2-instance-connect:remotePort": ("22",)}
        request = Request("ec2-instance-connect:OpenTunnel", arn, {**key, **self._tags_of(endpoint)})
        self.requests[str(request)] = request

    def _meant(self, kind: str, values: Iterable[str]) -> Iterator[str]:
        """The things of that kind that are meant: by their id or name, or by that of an association they are in."""
        for value in values:
            if kind in ("image", "key-pair") or _kind(value) == kind:
                yield value
            else:
                yield from (each for each in sorted(self._together[value]) if _kind(each) == kind)

    def _name(self, id: str) -> str:
        return self._arns.get(id, id)

    def _tags_of(self, id: str) -> Context:
        return {f"aws:ResourceTag/{key}": (value,) for key, value in self._tags.get(self._name(id), {}).items()}

    # The others ------------------------------------------------------------------------------------------------------

    def _other(self, operation: str, params: dict[str, Any], region: str) -> Iterator[Request]:
        action, name = action_of(operation), operation.partition(".")[2]
        tags = _request_tags(_tags_in(params)) if operation in TAGGING or name in ("AddTags", "TagResource") else {}
        for arn in self._judged(operation, params, region):
            context = {**tags, **self._tags_of(arn), **_keys(operation, params)}
            yield Request(action, arn, context)
            if operation in TAGGING and tags:
                yield Request(TAGGING[operation], arn, {**tags, **self._tags_of(arn)})
            if operation == "scheduler.DeleteScheduleGroup":
                yield Request("scheduler:DeleteSchedule", arn.replace("schedule-group/", "schedule/") + "/*")
        if operation == "s3.DeleteObjects":
            for each in params["Delete"]["Objects"]:
                # The first always. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
                for verb in ("s3:DeleteObject", *(["s3:DeleteObjectVersion"] if "VersionId" in each else [])):
                    yield Request(verb, f"arn:aws:s3:::{params['Bucket']}/{each['Key']}")
        if operation == "iam.AddRoleToInstanceProfile":
            yield self._pass(self._iam("role", params["RoleName"]), "ec2")
        if operation in ("scheduler.CreateSchedule", "scheduler.UpdateSchedule"):
            yield self._pass(params["Target"]["RoleArn"], "scheduler")

    def _judged(self, operation: str, params: dict[str, Any], region: str) -> Iterator[str]:
        """The ARNs of what the operation is done to."""
        service = operation.partition(".")[0]
        if operation == "s3.DeleteObjects":
            return
        if service == "iam" and operation not in ELSEWHERE:
            if provider := params.get("OpenIDConnectProviderArn"):
                yield provider
            else:
                kind = "instance-profile" if "InstanceProfile" in operation else "role"
                name = params["InstanceProfileName" if kind == "instance-profile" else "RoleName"]
                there = f"arn:aws:iam::{ACCOUNT}:{kind}{params['Path']}{name}" if "Path" in params else None
                yield there or self._iam(kind, name)
            return
        template = ELSEWHERE.get(operation) or ELSEWHERE[f"{service}.*"]
        values = {key: value for key, value in params.items() if isinstance(value, str)}
        listed = [key for key in re.findall(r"{(\w+)}", template) if isinstance(params.get(key), list)]
        for one in params[listed[0]] if listed else [None]:
            several = {listed[0]: one} if listed else {}
            arn = template.format(region=region, account=ACCOUNT, **values, **several)
            # A trail may be told by its ARN, and a provider is told by its address.
            yield re.sub(r"(trail|oidc-provider)/(arn:.*/|https://)", r"\1/", arn)

    def _iam(self, kind: str, name: str) -> str:
        """What is not there has no path."""
        return self._arns.get(f"{kind}/{name}", f"arn:aws:iam::{ACCOUNT}:{kind}/{name}")

    def _pass(self, role: str, service: str) -> Request:
        return Request("iam:PassRole", role, {"iam:PassedToService": (f"{service}.amazonaws.com",)})

    # What answers tell -----------------------------------------------------------------------------------------------

    def _after(self, service: str, name: str, params: dict[str, Any], answer: dict[str, Any], region: str) -> None:
        if answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 200) >= 300:
            return
        with self._lock:
            if service == "ec2":
                self._learn(answer)
                for each in params.get("TagSpecifications", ()):
                    for id in _ids(answer):
                        if _kind(id) == each["ResourceType"]:
                            self._tags.setdefault(self._name(id), {}).update(_map(each["Tags"]))
                if name in ("CreateTags", "DeleteTags"):
                    for id in params["Resources"]:
                        known = self._tags.setdefault(self._name(id), {})
                        for tag in params["Tags"]:
                            known.pop(tag["Key"], None)
                            if name == "CreateTags":
                                known[tag["Key"]] = tag["Value"]
                return
            operation = f"{service}.{name}"
            if service == "iam":
                self._learn_iam(name, params)
            # S3 judges by the tags of a bucket only where that was switched on.
            if (operation in TAGGING or name in ("AddTags", "TagResource")) and service != "s3":
                for arn in self._judged(operation, params, region):
                    self._tags.setdefault(arn, {}).update(_map(_tags_in(params)))

    def _learn(self, value: Any) -> None:
        """Ids that stand together in one dict belong together."""
        if isinstance(value, list):
            for each in value:
                self._learn(each)
        if not isinstance(value, dict):
            return
        ids = {each for each in value.values() if isinstance(each, str) and EC2_ID.fullmatch(each)}
        for key in ("AssociationId", "RouteTableAssociationId"):
            if key in value:
                self._together[value[key]] = ids
        if {"KeyPairId", "KeyName"} <= value.keys():
            self._arns[value["KeyPairId"]] = value["KeyName"]
        for id in ("VolumeId", "RouteTableId"):
            # Of the disk that was made with a machine, its answer did not tell the id; nor did one for the main table.
            if {id, "Tags"} <= value.keys():
                self._tags[value[id]] = _map(value["Tags"])
        for each in value.values():
            self._learn(each)

    def _learn_iam(self, name: str, params: dict[str, Any]) -> None:
        for kind, key in (("role", "RoleName"), ("instance-profile", "InstanceProfileName")):
            if name in ("CreateRole", "CreateInstanceProfile") and key in params:
                self._arns[f"{kind}/{params[key]}"] = f"arn:aws:iam::{ACCOUNT}:{kind}{params['Path']}{params[key]}"
        if name == "DeleteRole":
            self._arns.pop(f"role/{params['RoleName']}", None)
        if name == "DeleteInstanceProfile":
            self._arns.pop(f"instance-profile/{params['InstanceProfileName']}", None)
        if name == "AddRoleToInstanceProfile":
            profile = self._iam("instance-profile", params["InstanceProfileName"])
            self._roles_in[profile] = self._iam("role", params["RoleName"])


def _kind(id: str) -> str:
    return EC2_IDS.get(id.rpartition("-")[0], "")


def _ids(value: object) -> Iterator[str]:
    if isinstance(value, str) and EC2_ID.fullmatch(value):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _ids(each)


def _at(params: Mapping[str, Any], path: str) -> list[str]:
    """The values of a parameter, none if it is not given."""
    found: Any = params
    for name in path.split("."):
        inside = found if isinstance(found, list) else [found]
        values = [each.get(name, ()) for each in inside if isinstance(each, Mapping)]
        found = values if isinstance(found, list) else next(iter(values), ())
    return [found] if isinstance(found, str) else list(found)


def _map(tags: Any) -> dict[str, str]:
    return dict(tags) if isinstance(tags, Mapping) else {tag["Key"]: tag.get("Value", "") for tag in tags}


def _tags_in(params: Mapping[str, Any]) -> Any:
    inside = params.get("CreateBucketConfiguration", {}).get("Tags", ())
    return next((params[name] for name in ("Tags", "tags", "TagsList") if name in params), inside)


def _request_tags(tags: Any) -> Context:
    text = _map(tags)
    values = {f"aws:RequestTag/{key}": (value,) for key, value in text.items()}
    return {**values, "aws:TagKeys": tuple(sorted(text))} if text else {}


def _keys(operation: str, params: Mapping[str, Any]) -> Context:
    """The condition keys of single services."""
    if operation == "s3.ListObjectsV2":
        return {"s3:prefix": (params["Prefix"],)}
    if operation == "sns.Subscribe":
        return {"sns:Protocol": (params["Protocol"],)}
    if item := params.get("Key", params.get("Item")) if operation.startswith("dynamodb.") else None:
        return {"dynamodb:LeadingKeys": (item["LockID"]["S"],)}
    return {}
