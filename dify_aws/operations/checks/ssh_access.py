"""SshAccess: who is let in on port 22 just now, whether that is us, and whether what was leased has been given back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from dify_aws.operations.access import SSH
from dify_aws.operations.checks.scene import Scene
from dify_aws.operations.diagnosis import Finding, ok, warning, wrong
from dify_aws.operations.door import Opening, look
from dify_aws.operations.lease import expired

PERMISSIONS: Final = frozenset({"ec2:DescribeInstanceConnectEndpoints", "ec2:DescribeSecurityGroupRules"})


def ssh_access(scene: Scene) -> Iterator[Finding]:
    """The rules on port 22 of the group of the host; with a tunnel, its endpoint as well."""
    openings, _ = look(scene.aws, scene.there("security-group/host").id)
    if over := expired(openings):
        told = ", ".join(f"{each.network} ({each.id})" for each in over)
        way_out = "The next access() or install() takes it away. AWS should have: look at the role of the leases."
        yield warning("expired leases", f"still open to {told}, though nobody has leased it any more", way_out)
    else:
        yield ok("expired leases", "none is left open")
    if scene.settings.ssh == "tunnel":
        yield _tunnel(scene)
    else:
        yield _rule(openings, scene.my_address())


def lets_in(openings: Sequence[Opening], address: str) -> Opening | None:
    """The rule that lets this address in on port 22 now; one whose leases have expired may go at any moment."""
    mine = ip_address(address)
    for each in openings:
        held = each.port == SSH and each.network and (each.leases or not each.ours)
        if held and mine in ip_network(each.network):  # of two versions of IP, none is in the other
            return each
    return None


def _rule(openings: Sequence[Opening], address: str) -> Finding:
    subject = "SSH rule"
    there = [each for each in openings if each.port == SSH and (each.leases or not each.ours)]
    for each in there:
        if each.network in ("0.0.0.0/0", "::/0"):
            return wrong(subject, f"port 22 is open to everybody ({each.id})", "apply() takes that rule away.")
    opening = lets_in(there, address)
    if opening is not None:
        until = max((lease.expires for lease in opening.leases), default=None)
        told = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "by a rule that is no lease"
        return ok(subject, f"this machine ({address}) is let in {told}")
    if not there:
        return ok(subject, f"port 22 is open to nobody; access() opens it, now to {address}")
    others = ", ".join(f"{each.network} ({lease.owner})" for each in there for lease in each.leases) or ", ".join(
        each.network for each in there
    )
    told = f"open to {others}, and not to this machine ({address})"
    return warning(subject, told, "access() lets this machine in; Lease.refresh() when its address has changed.")


def _tunnel(scene: Scene) -> Finding:
    endpoint = scene.there("instance-connect-endpoint/main")
    if endpoint["state"] != "create-complete":
        return wrong("tunnel", f"{endpoint.id} is {endpoint['state']}", "apply() waits for it, or makes it anew.")
    return ok("tunnel", f"{endpoint.id} is ready; no port is open")
