"""Secrets and passwords of Dify and its registry."""
