"""What every verb of a deployment shares: what it works on, its lock, its record, and its command."""
