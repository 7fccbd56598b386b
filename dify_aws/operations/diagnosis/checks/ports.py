"""Ports: Dify's doors, as seen from here, and the name that leads to them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from dify_aws.operations.diagnosis.checks.check_context import CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, unknown, wrong
from dify_aws.resources.vpc.lease_tag import SSH
from dify_aws.runtimes.compose.https.domain import DomainElsewhere, points_to

PERMISSIONS: Final = frozenset({"ec2:DescribeAddresses"})


def port_80(context: CheckContext) -> Iterator[Finding]:
    """HTTP, which with a domain leads to HTTPS, and is where the certificate authority looks."""
    yield _connected(context, 80)


def port_443(context: CheckContext) -> Iterator[Finding]:
    """HTTPS, where there is a domain to have a certificate for."""
    if context.settings.domain:
        yield _connected(context, 443)


def ssh(context: CheckContext) -> Finding:
    """SSH, once a way is open."""
    subject, address = "port 22", context.there(context.addresses.public_address)["public_ip"]
    try:
        context.connectivity.check_port(address, SSH)
    except OSError as error:
        evidence = f"{address} does not answer, and this machine is let in: {error}"
        remedy = (
            "Look at the lines on the instance and its status checks, at the network ACLs of the subnet, and whether "
            'the network of this machine lets SSH out (ssh="tunnel" needs only HTTPS).'
        )
        return wrong(subject, evidence, remedy)
    return ok(subject, f"{address} answers")


def name(context: CheckContext) -> Iterator[Finding]:
    """The domain leads to the machine, and only there."""
    domain = context.settings.domain
    if domain is None:
        return
    address = context.there(context.addresses.public_address)["public_ip"]
    try:
        points_to(domain, context.connectivity.resolve(domain), address)
    except DomainElsewhere as elsewhere:
        evidence, _, remedy = str(elsewhere).partition("\n")
        yield wrong("DNS", evidence, remedy)
    else:
        yield ok("DNS", f"{domain} leads to {address}")


def _connected(context: CheckContext, port: int) -> Finding:
    subject = f"port {port}"
    address = context.there(context.addresses.public_address)["public_ip"]
    try:
        context.connectivity.check_port(address, port)
    except OSError as error:
        evidence = f"{address} does not answer: {error}"
        if not _let_in(context):
            remedy = "That says nothing: web_cidrs does not let this machine in. Ask from one that is."
            return unknown(subject, evidence, remedy)
        if isinstance(error, ConnectionRefusedError):
            return wrong(subject, evidence, "Nothing listens there: nginx is not up. install() brings it up.")
        remedy = (
            "Packets are lost on the way: look at the lines on the instance, its security group and drift, at the "
            "network ACLs of the subnet, and at what stands between here and the internet."
        )
        return wrong(subject, evidence, remedy)
    return ok(subject, f"{address} answers")


def _let_in(context: CheckContext) -> bool:
    own = ip_address(context.my_address())
    return any(own in ip_network(each) for each in context.settings.web_cidrs)
