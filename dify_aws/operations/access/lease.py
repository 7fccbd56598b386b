"""Lease: one run's access to port 22, for one address and a limited time."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_network
from types import TracebackType
from typing import Final, Self

from dify_aws.errors import DifyAwsError, Problem, SettingsError
from dify_aws.operations.access.ingress_rule import Address, Opening, SshPort, revoke
from dify_aws.resources.vpc.lease_tag import LONGEST, SSH, LeaseTag

FEWEST_MINUTES: Final = 5
"""EventBridge Scheduler is punctual to the minute, and the opening itself takes some seconds."""

MINUTES: Final = 60
"""Half of it, after which :meth:`Lease.keep` renews, is longer than the longest single step of an installation (the
pull of all images); the whole is how long the port of a run that was killed stays open, to one address."""

CLOCKS_DIFFER: Final = timedelta(seconds=30)
"""How far the clocks of two machines of AWS may be apart: the longest lease ends this much earlier, so that none of
them takes it for one that is too long."""

SETTLE_SECONDS: Final = 30.0
"""How long two runs at one address may get in each other's way, and how late AWS may show a rule."""


class Lease:
    """An open port, for one address, until :attr:`expires`. Made by ``open_access``; a context manager.

    Whatever happens to this process, AWS closes the port when the time is over. Threads may share a lease.
    """

    def __init__(self, ssh_port: SshPort, address: Address, owner: str, minutes: int) -> None:
        self._ssh_port = ssh_port
        self._id = secrets.token_hex(8)
        self._term = timedelta(minutes=minutes)
        self._lock = threading.RLock()
        self._closed = False
        self.owner = owner
        self._where = address
        self._taken = self._enter(address)

    def __repr__(self) -> str:
        return f"<Lease of port {SSH} for {self.address} until {self.expires:%Y-%m-%d %H:%M:%S} UTC>"

    @property
    def address(self) -> str:
        """The address that is let in."""
        return str(self._where)

    @property
    def expires(self) -> datetime:
        """When AWS closes the port if nobody does before, in AWS's time (UTC)."""
        return self._taken[0]

    @property
    def rule_id(self) -> str:
        """The rule of the security group; several leases for one address share it."""
        return self._taken[1]

    def keep(self) -> None:
        """Renew when less than half of the time is left. Asks AWS nothing before that, so call it at every step.

        Raises:
            AwsError: AWS refused.
        """
        with self._lock:
            if not self._closed and self._ssh_port.aws.clock.now() >= self._taken[2]:
                self._taken = self._take(self._where)

    def refresh(self, address: str) -> None:
        """Let ``address`` in, where this run's connections come from now: opens for it first, then closes the old one.

        For the same address the lease is renewed, and the rule put back if it has been taken away.

        Raises:
            SettingsError: that is no single address.
            AwsError: AWS refused.
        """
        new = single(address)
        with self._lock:
            if self._closed:
                raise DifyAwsError("this lease has been closed: open a new one.")
            if new == self._where:
                self._taken = self._take(new)
                return
            self._taken = self._enter(new)
            old, self._where = self._where, new
            self._give_back(old)

    def close(self) -> None:
        """Close the port, unless another run keeps it open too. A second time does nothing.

        Raises:
            AwsError: AWS refused; it closes the port itself when the time is over.
        """
        with self._lock:
            if not self._closed:
                self._give_back(self._where)
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except DifyAwsError as refused:
            if error is None:
                raise
            until = f"{self.expires:%Y-%m-%d %H:%M:%S} UTC"
            error.add_note(f"The port could not be closed either, so AWS closes it at {until}: {refused}")

    def _enter(self, address: Address) -> tuple[datetime, str, float]:
        """Open for an address that this lease was not at before, or leave nothing there."""
        try:
            return self._take(address)
        except BaseException:
            # Also Ctrl-C: the caller does not know yet what there is to close.
            with suppress(DifyAwsError):
                self._give_back(address)
            raise

    def _take(self, address: Address) -> tuple[datetime, str, float]:
        """When it expires, the id of the rule, and when it is time to renew by the clock of this machine."""
        taken = self._ssh_port.aws.retries.until(lambda: self._try(address), SETTLE_SECONDS)
        if taken is None:
            raise DifyAwsError(
                f"port {SSH} of {self._ssh_port.group_id} could not be opened for {address} in "
                f"{SETTLE_SECONDS:.0f} s: others open and close it at the same time. Run again."
            )
        return taken

    def _try(self, address: Address) -> tuple[datetime, str, float] | None:
        """One attempt; None if what was seen is not true any more."""
        openings, now = self._ssh_port.look()
        half = self._ssh_port.aws.clock.now() + self._term.total_seconds() / 2
        # To the second, upwards, as EventBridge Scheduler counts.
        end = now + min(self._term, LONGEST - CLOCKS_DIFFER) + timedelta(seconds=0.999999)
        lease = LeaseTag(self._id, end.replace(microsecond=0), self.owner)
        revoke(self._ssh_port.aws, self._ssh_port.group_id, expired(openings))
        there = self._there(openings, address)
        if there is not None and not there.ours:
            # Somebody keeps it open for good, by hand or by wish: it is not for us to close.
            return lease.expires, there.id, half
        self._ssh_port.close_at(address, self._end(address, lease, there), again=there is not None)
        id = self._ssh_port.join(there, lease) if there else self._ssh_port.open(address, lease)
        return None if id is None else (lease.expires, id, half)

    def _end(self, address: Address, lease: LeaseTag, there: Opening | None) -> datetime:
        """When AWS is to take the rule away: with the last lease on it.

        The other leases are tags, which others can write. Whoever really holds one has moved AWS's order to its end
        before, so a tag that says more than the order moves nothing.
        """
        others = [other.expires for other in there.leases if other.id != self._id] if there else []
        latest = max(others, default=lease.expires)
        if latest > lease.expires and (ordered := self._ssh_port.closes_at(address)):
            return max(lease.expires, min(latest, ordered))
        return lease.expires

    def _give_back(self, address: Address) -> None:
        there = self._own(address)
        if there is None:
            return
        self._ssh_port.release(there, [self._id])

    def _own(self, address: Address) -> Opening | None:
        there = self._there(self._ssh_port.look()[0], address)
        return there if there and any(lease.id == self._id for lease in there.leases) else None

    def _there(self, openings: Sequence[Opening], address: Address) -> Opening | None:
        """The rule for this address; one whose leases have all expired is being taken away, and counts as gone."""
        network = self._ssh_port.at(address)
        return next(
            (each for each in openings if each.network == network and (each.leases or each.by_hand)),
            None,
        )


def expired(openings: Sequence[Opening]) -> list[Opening]:
    """Those that were leased, and are on lease to nobody any more."""
    return [each for each in openings if each.ours and not each.leases]


def single(address: str) -> Address:
    """One address of IPv4 or IPv6, given as itself or as a network of one.

    Raises:
        SettingsError: it is none, or more than one, or one that no connection comes from.
    """
    try:
        network = ip_network(address.strip(), strict=False)
    except (ValueError, AttributeError):
        raise _wrong(address, "is no IPv4 or IPv6 address") from None
    if network.num_addresses != 1:
        raise _wrong(address, "is more than one address")
    # What came through a dual-stack socket is IPv4, and EC2 sees it as that.
    found = getattr(network.network_address, "ipv4_mapped", None) or network.network_address
    if found.is_unspecified or found.is_loopback or found.is_multicast or found.is_link_local:
        raise _wrong(address, "is an address that no connection comes from")
    return found


def _wrong(address: object, wrong: str) -> SettingsError:
    right = 'Give the one public address that your connections come from, like "203.0.113.7"'
    return SettingsError([Problem("address", address, wrong, right)])
