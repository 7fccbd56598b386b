"""SshAccess: who is let in on port 22 just now, whether that is us, and whether what was leased has been given back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from dify_aws.operations.access.ingress_rule import Opening, look
from dify_aws.operations.access.lease import expired
from dify_aws.operations.diagnosis.checks.check_context import CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, warning, wrong
from dify_aws.resources.vpc.lease_tag import SSH
from dify_aws.resources.vpc.security_group_rule import Rule

APPLY: Final = "apply() takes away every rule that the settings do not ask for."

PERMISSIONS: Final = frozenset({"ec2:DescribeInstanceConnectEndpoints", "ec2:DescribeSecurityGroupRules"})


def ssh_access(context: CheckContext) -> Iterator[Finding]:
    """The rules on port 22 of the group of the host; with a tunnel, its endpoint as well."""
    openings, _ = look(context.aws, context.there("security-group/host").id)
    if over := expired(openings):
        evidence = "; ".join(map(_shown, over))
        remedy = (
            "The next apply(), access() or install() takes it away. AWS should have: look at the role of the leases."
        )
        yield warning("expired leases", f"still open, though nobody has leased it: {evidence}", remedy)
    else:
        yield ok("expired leases", "none is left open")
    tunnel = context.settings.ssh == "tunnel"
    wide = [each for each in openings if _wide(each, tunnel)]
    if tagged := [each for each in openings if each.marked and not each.leasable and each not in wide]:
        evidence = "; ".join(map(_shown, tagged))
        yield warning("lease tags", f"on rules that no lease has made, where they count for nothing: {evidence}", APPLY)
    if wide:
        everybody = any(each.network in ("0.0.0.0/0", "::/0") for each in wide)
        evidence = "everybody" if everybody else "more than one address"
        yield wrong("SSH rule", f"port 22 is open to {evidence}: {'; '.join(map(_shown, wide))}", APPLY)
    elif not tunnel:
        yield _rule(openings, context.my_address())
    if tunnel:
        yield _tunnel(context)


def lets_in(openings: Sequence[Opening], address: str) -> Opening | None:
    """The rule that lets this address in on port 22 now; one whose leases have expired may go at any moment."""
    own = ip_address(address)
    for each in openings:
        # Of two versions of IP, none is in the other. A group or a prefix list has no slash in its id.
        if _opens_ssh(each) and "/" in each.network and own in ip_network(each.network):
            return each
    return None


def _opens_ssh(opening: Opening) -> bool:
    """Whether it lets somebody in on port 22 for longer than this moment."""
    return covers_ssh(opening.rule) and bool(opening.leases or not opening.ours)


def covers_ssh(rule: Rule) -> bool:
    """Whether a rule lets TCP through to port 22, also as one of many ports or protocols."""
    if rule.protocol != "tcp" or rule.port is None:
        return rule.protocol in ("-1", "tcp")
    return rule.port <= SSH <= (rule.port if rule.to_port is None else rule.to_port)


def _wide(opening: Opening, tunnel: bool) -> bool:
    """Whether it lets more than one address in on port 22, which no lease does. A tunnel is let in as a group."""
    group = tunnel and not opening.marked and opening.rule == Rule(opening.network, SSH) and "/" not in opening.network
    return _opens_ssh(opening) and not opening.leasable and not group


def _shown(opening: Opening) -> str:
    """A rule, with the latest end of its tags; there may be hundreds of them."""
    last = max(opening.tags, key=lambda tag: tag.expires, default=None)
    until = f", tagged as leased until {last.expires:%Y-%m-%d %H:%M} UTC by {last.owner}" if last else ""
    more = f" and {len(opening.tags) - 1} more" if len(opening.tags) > 1 else ""
    return f"{opening.rule} ({opening.id}{until}{more})"


def _rule(openings: Sequence[Opening], address: str) -> Finding:
    subject = "SSH rule"
    there = [each for each in openings if _opens_ssh(each)]
    opening = lets_in(there, address)
    if opening is not None:
        until = max((lease.expires for lease in opening.leases), default=None)
        evidence = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "by a rule that is no lease"
        return ok(subject, f"this machine ({address}) is let in {evidence}")
    if not there:
        return ok(subject, f"port 22 is open to nobody; access() opens it, now to {address}")
    others = ", ".join(_shown(each) for each in there)
    evidence = f"open to {others}, and not to this machine ({address})"
    return warning(subject, evidence, "access() lets this machine in; Lease.refresh() when its address has changed.")


def _tunnel(context: CheckContext) -> Finding:
    endpoint = context.there("instance-connect-endpoint/main")
    if endpoint["state"] != "create-complete":
        return wrong("tunnel", f"{endpoint.id} is {endpoint['state']}", "apply() waits for it, or makes it anew.")
    return ok("tunnel", f"{endpoint.id} is ready; no port is open")
