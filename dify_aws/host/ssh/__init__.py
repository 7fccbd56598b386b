"""SSH to a host: connection, host key, tunnel."""
