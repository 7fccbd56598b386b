"""Ports: Dify's doors, as seen from here, and the name that leads to them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from dify_aws.install.domain import DomainElsewhere, points_to
from dify_aws.operations.checks.scene import Scene
from dify_aws.operations.diagnosis import Finding, ok, unknown, wrong
from dify_aws.resources.lease_tag import SSH

PERMISSIONS: Final = frozenset({"ec2:DescribeAddresses"})


def port_80(scene: Scene) -> Iterator[Finding]:
    """HTTP, which with a domain leads to HTTPS, and is where the certificate authority looks."""
    yield _knocked(scene, 80)


def port_443(scene: Scene) -> Iterator[Finding]:
    """HTTPS, where there is a domain to have a certificate for."""
    if scene.settings.domain:
        yield _knocked(scene, 443)


def ssh(scene: Scene) -> Finding:
    """SSH, once a way is open."""
    subject, address = "port 22", scene.there("elastic-ip/host")["public_ip"]
    try:
        scene.reach.knock(address, SSH)
    except OSError as error:
        told = f"{address} does not answer, and this machine is let in: {error}"
        way_out = (
            "Look at the lines on the instance and its status checks, at the network ACLs of the subnet, and whether "
            'the network of this machine lets SSH out (ssh="tunnel" needs only HTTPS).'
        )
        return wrong(subject, told, way_out)
    return ok(subject, f"{address} answers")


def name(scene: Scene) -> Iterator[Finding]:
    """The domain leads to the machine, and only there."""
    domain = scene.settings.domain
    if domain is None:
        return
    address = scene.there("elastic-ip/host")["public_ip"]
    try:
        points_to(domain, scene.reach.resolve(domain), address)
    except DomainElsewhere as elsewhere:
        told, _, way_out = str(elsewhere).partition("\n")
        yield wrong("DNS", told, way_out)
    else:
        yield ok("DNS", f"{domain} leads to {address}")


def _knocked(scene: Scene, port: int) -> Finding:
    subject = f"port {port}"
    address = scene.there("elastic-ip/host")["public_ip"]
    try:
        scene.reach.knock(address, port)
    except OSError as error:
        told = f"{address} does not answer: {error}"
        if not _let_in(scene):
            way_out = "That says nothing: web_cidrs does not let this machine in. Ask from one that is."
            return unknown(subject, told, way_out)
        if isinstance(error, ConnectionRefusedError):
            return wrong(subject, told, "Nothing listens there: nginx is not up. install() brings it up.")
        way_out = (
            "Packets are lost on the way: look at the lines on the instance, its security group and drift, at the "
            "network ACLs of the subnet, and at what stands between here and the internet."
        )
        return wrong(subject, told, way_out)
    return ok(subject, f"{address} answers")


def _let_in(scene: Scene) -> bool:
    mine = ip_address(scene.my_address())
    return any(mine in ip_network(each) for each in scene.settings.web_cidrs)
