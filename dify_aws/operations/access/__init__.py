"""Access to the host over SSH: leases, tunnel, host key."""
