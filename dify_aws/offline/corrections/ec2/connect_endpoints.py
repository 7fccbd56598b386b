"""Connect endpoints: EC2 Instance Connect Endpoints, which moto does not have; they are created and deleted slowly."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import add_tag_specification, generic_filter, random_id

from dify_aws.offline.addition import adds
from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction

SECONDS_CREATING = 150
SECONDS_UNTIL_FAILED = 20
SECONDS_UPDATING = 60
SECONDS_DELETING = 90

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/eice-quotas.html
IN_A_REGION = 5
IN_A_VPC = 1

_PREFIX = "eice"
_REFERENCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_GUIDE = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide"


@dataclass(eq=False)
class Endpoint(TaggedEC2Resource):  # type: ignore[misc]
    """One endpoint, with its network interface in the subnet. AWS filters by its attributes."""

    ec2_backend: Any
    subnet: Any
    groups: list[str]
    preserve_client_ip: bool
    id: str = field(default_factory=lambda: random_id(_PREFIX))
    state: str = "create-in-progress"
    message: str = ""
    interface: Any = None
    created: Any = field(default_factory=utcnow)

    @property
    def instance_connect_endpoint_id(self) -> str:
        return self.id

    @property
    def subnet_id(self) -> str:
        return str(self.subnet.id)

    @property
    def vpc_id(self) -> str:
        return str(self.subnet.vpc_id)

    def as_response(self) -> dict[str, Any]:
        """In the format of AWS's response."""
        account, region = self.ec2_backend.account_id, self.ec2_backend.region_name
        # Its network interface and DNS name are shown when it exists.
        early = self.state == "create-in-progress"
        name = f"{self.id}.0123abcd.ec2-instance-connect-endpoint.{region}.amazonaws.com"
        return {
            "OwnerId": account,
            "InstanceConnectEndpointId": self.id,
            "InstanceConnectEndpointArn": f"arn:aws:ec2:{region}:{account}:instance-connect-endpoint/{self.id}",
            "State": self.state,
            "StateMessage": self.message,
            "DnsName": "" if early else name,
            "NetworkInterfaceIds": [self.interface.id] if self.interface and not early else [],
            "VpcId": self.vpc_id,
            "AvailabilityZone": self.subnet.availability_zone,
            "CreatedAt": self.created,
            "SubnetId": self.subnet_id,
            "PreserveClientIp": self.preserve_client_ip,
            "SecurityGroupIds": self.groups,
            "Tags": self.get_tags(),
            "IpAddressType": "ipv4",
        }


def _here(cloud: Cloud, response: Any) -> dict[str, Endpoint]:
    """The endpoints of the account and region."""
    places = cloud.remember("instance connect endpoints")
    endpoints: dict[str, Endpoint] = places.setdefault((response.current_account, response.region), {})
    return endpoints


def _requested(cloud: Cloud, response: Any) -> Endpoint:
    return _find(cloud, response, response._get_param("InstanceConnectEndpointId"))


def _find(cloud: Cloud, response: Any, id: str) -> Endpoint:
    endpoint = _here(cloud, response).get(id)
    if endpoint is None:
        raise EC2ClientError(
            "InvalidInstanceConnectEndpointId.NotFound", f"The instance connect endpoint ID '{id}' does not exist"
        )
    return endpoint


@adds(
    says="An endpoint is create-in-progress for some minutes, and holds a network interface in its subnet and groups."
    " One that gets no interface is made all the same, and then fails. A VPC may have one, a region five."
)
def create_instance_connect_endpoint(cloud: Cloud, response: Any) -> ActionResult:
    backend, here = response.ec2_backend, _here(cloud, response)
    subnet = backend.get_subnet(response._get_param("SubnetId"))
    # AWS documents the quotas, but not the error code.
    if len(here) >= IN_A_REGION or sum(each.vpc_id == subnet.vpc_id for each in here.values()) >= IN_A_VPC:
        raise EC2ClientError(
            "InstanceConnectEndpointLimitExceeded",
            "The maximum number of EC2 Instance Connect Endpoints has been reached.",
        )
    groups = response._get_param("SecurityGroupIds", []) or [backend.get_default_security_group(subnet.vpc_id).id]
    _check_groups(backend, groups)
    preserve_client_ip = bool(response._get_param("PreserveClientIp", False))
    endpoint = Endpoint(backend, subnet, groups, preserve_client_ip)
    endpoint.add_tags(add_tag_specification(response._get_param("TagSpecifications", [])))
    if subnet.available_ip_address_count > 0:
        endpoint.interface = _interface(endpoint)
        cloud.later(SECONDS_CREATING, functools.partial(_becomes, endpoint, "create-in-progress", "create-complete"))
    else:
        endpoint.message = f"There are not enough free IP addresses in the subnet {subnet.id}."
        cloud.later(SECONDS_UNTIL_FAILED, functools.partial(_becomes, endpoint, "create-in-progress", "create-failed"))
    here[endpoint.id] = endpoint
    return ActionResult({"InstanceConnectEndpoint": endpoint.as_response()})


def _check_groups(backend: Any, groups: list[str]) -> None:
    for id in groups:
        if backend.get_security_group_from_id(id) is None:
            raise EC2ClientError("InvalidGroup.NotFound", f"The security group '{id}' does not exist")


def _interface(endpoint: Endpoint) -> Any:
    interface = endpoint.ec2_backend.create_network_interface(
        endpoint.subnet, "", group_ids=endpoint.groups, description=f"EC2 Instance Connect Endpoint {endpoint.id}"
    )
    interface.interface_type, interface.requester_managed, interface.status = (
        "ec2_instance_connect_endpoint",
        True,
        "in-use",
    )
    return interface


def _becomes(endpoint: Endpoint, before: str, after: str) -> None:
    if endpoint.state == before:
        endpoint.state = after


@adds(says="DescribeInstanceConnectEndpoints filters by id, state, subnet, VPC and tags; an unknown id is an error.")
def describe_instance_connect_endpoints(cloud: Cloud, response: Any) -> ActionResult:
    ids = response._get_param("InstanceConnectEndpointIds", [])
    requested = [_find(cloud, response, id) for id in ids] or list(_here(cloud, response).values())
    found = generic_filter(response._filters_from_querystring(), requested)
    return ActionResult({"InstanceConnectEndpoints": [endpoint.as_response() for endpoint in found]})


@adds(says="The security groups and the address mode of an existing endpoint can be changed; it takes a moment.")
def modify_instance_connect_endpoint(cloud: Cloud, response: Any) -> ActionResult:
    endpoint = _requested(cloud, response)
    _must_rest(endpoint)
    groups = response._get_param("SecurityGroupIds", []) or endpoint.groups
    _check_groups(endpoint.ec2_backend, groups)
    preserve_client_ip = response._get_param("PreserveClientIp")
    endpoint.groups = groups
    endpoint.interface._group_set = [endpoint.ec2_backend.get_security_group_from_id(id) for id in groups]
    if preserve_client_ip is not None:
        endpoint.preserve_client_ip = bool(preserve_client_ip)
    endpoint.state = "update-in-progress"
    cloud.later(SECONDS_UPDATING, functools.partial(_becomes, endpoint, "update-in-progress", "update-complete"))
    return ActionResult({"Return": True})


@adds(
    says="An endpoint is delete-in-progress for a while, with its network interface, and cannot be deleted before it"
    " is made: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2000"
)
def delete_instance_connect_endpoint(cloud: Cloud, response: Any) -> ActionResult:
    endpoint = _requested(cloud, response)
    if endpoint.state != "delete-in-progress":
        _must_rest(endpoint)
        endpoint.state = "delete-in-progress"
        cloud.later(SECONDS_DELETING, functools.partial(_remove, _here(cloud, response), endpoint))
    return ActionResult({"InstanceConnectEndpoint": endpoint.as_response()})


def _must_rest(endpoint: Endpoint) -> None:
    if endpoint.state.endswith("-in-progress"):
        raise EC2ClientError(
            "IncorrectState", f"The instance connect endpoint '{endpoint.id}' is in the state {endpoint.state}."
        )


def _remove(here: dict[str, Endpoint], endpoint: Endpoint) -> None:
    here.pop(endpoint.id, None)
    endpoint.ec2_backend.tags.pop(endpoint.id, None)
    if endpoint.interface:
        endpoint.ec2_backend.enis.pop(endpoint.interface.id, None)


tagged_like_the_rest = Correction(
    owner="moto.ec2.utils",
    attributes=("EC2_RESOURCE_TO_PREFIX",),
    says="An endpoint can have tags, and its id begins with eice-.",
    link=f"{_GUIDE}/Using_Tags.html",
    replace=lambda cloud, original: {**original, "instance-connect-endpoint": _PREFIX},
)

CORRECTIONS = (
    create_instance_connect_endpoint,
    describe_instance_connect_endpoints,
    modify_instance_connect_endpoint,
    delete_instance_connect_endpoint,
    tagged_like_the_rest,
)
