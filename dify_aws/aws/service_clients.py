"""Clients: one for each service, made once, with the configuration that all of them share."""

from __future__ import annotations

import threading
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from dify_aws.aws import unsafe_retries
from dify_aws.aws.errors.error_translation import failure

CONNECTIONS: Final = 32
ATTEMPTS: Final = 6
"""botocore's own three are too few for the burst of reads that a run begins with, where AWS throttles it."""


class Clients:
    """The clients of one session and region."""

    def __init__(self, session: boto3.Session, region: str) -> None:
        self._session = session
        self._region = region
        self._lock = threading.Lock()
        self._made: dict[str, BaseClient] = {}
        self.unrepeatable: set[str] = set()
        """Creations that must not be sent again when their answer was lost, as in ``ec2.CreateVpc``."""

    def get(self, service: str) -> BaseClient:
        """The client of a service; made under a lock, because making one is not thread-safe (using one is).

        Raises:
            CredentialsError, AwsError: botocore cannot make it.
        """
        # Who wants one that is there does not wait for who makes another.
        if client := self._made.get(service):
            return client
        with self._lock:
            if service not in self._made:
                make: Any = self._session.client
                try:
                    client = make(service, region_name=self._region, config=self._config())
                except BotoCoreError as error:
                    raise failure(f"{service} client", error) from error
                unsafe_retries.watch(client, service, self.unrepeatable)
                self._made[service] = client
            return self._made[service]

    def _config(self) -> Config:
        settings: dict[str, Any] = {
            "max_pool_connections": CONNECTIONS,
            "tcp_keepalive": True,
            "connect_timeout": 10,
            "user_agent_extra": f"dify-aws/{_version()}",
        }
        session: Any = self._session
        chosen = session._session.get_config_variable
        # What a person chose (AWS_MAX_ATTEMPTS, AWS_RETRY_MODE, the profile) stays.
        if chosen("max_attempts") is None and chosen("retry_mode") in (None, "legacy", "standard"):
            settings["retries"] = {"mode": "standard", "total_max_attempts": ATTEMPTS}
        return Config(**settings)


def _version() -> str:
    try:
        return version("dify-aws")
    except PackageNotFoundError:
        return "0"
