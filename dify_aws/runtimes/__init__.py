"""Runtimes: what turns the services of Dify into running containers."""
