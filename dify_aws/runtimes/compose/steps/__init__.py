"""Steps that only a Dify under Docker Compose has."""
