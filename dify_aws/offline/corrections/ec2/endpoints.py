"""Endpoints: a gateway endpoint is a route in its tables, and is listed for some seconds after its deletion."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import generate_route_id

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

SECONDS_PENDING = 5
SECONDS_DELETING = 5

_EC2 = "moto.ec2.responses:EC2Response"
_GATEWAY = "https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html"


@corrects(
    _EC2,
    "create_vpc_endpoint",
    says="The default type of an endpoint is Gateway, a table has only one per service, and it is pending"
    " for some seconds.",
    link=_GATEWAY,
)
def one_endpoint_a_table(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, service = response.ec2_backend, response._get_param("ServiceName")
    if not service.startswith(f"com.amazonaws.{response.region}."):
        raise EC2ClientError("InvalidServiceName", f"The Vpc Endpoint Service '{service}' does not exist")
    is_gateway = (response._get_param("VpcEndpointType") or "Gateway") == "Gateway"
    if is_gateway:
        _tables_are_free(backend, _prefix_list(backend, service), response._get_param("RouteTableIds", []))
    answer = original()
    endpoint = answer.result["VpcEndpoint"]
    if is_gateway:
        endpoint.vpc_endpoint_type = "Gateway"
    endpoint.state = "pending"
    cloud.later(SECONDS_PENDING, functools.partial(_is_available, endpoint))
    return answer


def _is_available(endpoint: Any) -> None:
    if endpoint.state == "pending":
        endpoint.state = "available"


@corrects(
    _EC2,
    "describe_vpc_endpoints",
    says="An endpoint that is pending may not show its route tables yet.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html",
)
def tables_are_shown_when_it_is_available(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    answer.result["VpcEndpoints"] = [_as_far_as_it_is(each) for each in answer.result["VpcEndpoints"]]
    return answer


def _as_far_as_it_is(endpoint: Any) -> Any:
    if endpoint.state != "pending":
        return endpoint
    early = copy.copy(endpoint)
    early.route_table_ids = []
    return early


def _prefix_list(backend: Any, service: str) -> str | None:
    lists = backend.managed_prefix_lists.values()
    return next((each.id for each in lists if each.prefix_list_name == service), None)


def _tables_are_free(backend: Any, prefix_list_id: str | None, table_ids: Iterable[str]) -> None:
    for table_id in table_ids:
        if generate_route_id(table_id, prefix_list_id) in backend.get_route_table(table_id)._routes:
            raise EC2ClientError(
                "RouteAlreadyExists",
                f"route table {table_id} already has a route with destination-prefix-list-id {prefix_list_id}",
            )


@corrects(
    _EC2,
    "modify_vpc_endpoint",
    says="Route tables that are added to a gateway endpoint get its route, and tables that are removed lose it.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html",
)
def routes_follow(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    endpoint = _existing(backend, response._get_param("VpcEndpointId"))
    if endpoint is None:
        raise _not_found(response._get_param("VpcEndpointId"))
    prefix_list_id = endpoint.destination_prefix_list_id
    added = [table for table in response._get_param("AddRouteTableIds", []) if table not in endpoint.route_table_ids]
    removed = [table for table in response._get_param("RemoveRouteTableIds", []) if table in endpoint.route_table_ids]
    _tables_are_free(backend, prefix_list_id, added)
    answer = original()
    for table_id in added:
        backend.create_route(table_id, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix_list_id)
    for table_id in removed:
        _remove_route(backend, table_id, prefix_list_id)
    return answer


@corrects(
    _EC2,
    "delete_vpc_endpoints",
    says="A deleted endpoint loses its routes at once and is listed for some seconds; an unknown id is"
    " returned as unsuccessful.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpcEndpoints.html",
)
def deleting_takes_a_moment(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, unsuccessful = response.ec2_backend, []
    for endpoint_id in response._get_param("VpcEndpointIds", []):
        endpoint = _existing(backend, endpoint_id)
        if endpoint is None:
            error = _not_found(endpoint_id)
            unsuccessful.append({"ResourceId": endpoint_id, "Error": {"Code": error.code, "Message": error.message}})
        elif endpoint.state != "deleting":
            endpoint.state = "deleting"
            for table_id in endpoint.route_table_ids or []:
                _remove_route(backend, table_id, endpoint.destination_prefix_list_id)
            for interface_id in endpoint.network_interface_ids:
                backend.enis.pop(interface_id, None)
            cloud.later(SECONDS_DELETING, functools.partial(_remove, backend, endpoint_id))
    return ActionResult({"Unsuccessful": unsuccessful})


def _existing(backend: Any, endpoint_id: str) -> Any:
    return backend.vpc_end_points.get(endpoint_id)


def _not_found(endpoint_id: str) -> EC2ClientError:
    return EC2ClientError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{endpoint_id}' does not exist")


def _remove_route(backend: Any, table_id: str, prefix_list_id: str | None) -> None:
    if table := backend.route_tables.get(table_id):
        table._routes.pop(generate_route_id(table_id, prefix_list_id), None)


def _remove(backend: Any, endpoint_id: str) -> None:
    backend.vpc_end_points.pop(endpoint_id, None)
    backend.tags.pop(endpoint_id, None)


CORRECTIONS = (one_endpoint_a_table, tables_are_shown_when_it_is_available, routes_follow, deleting_takes_a_moment)
