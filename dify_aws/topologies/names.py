"""Names: what the things of an environment are called in AWS, where they have a name at all."""

from __future__ import annotations

from typing import Final

from dify_aws.aws.physical_name import physical_name
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account

LOGS: Final = ("system", "docker", "dify", "nginx")
"""The log groups: the machine's own log, the containers', Dify's, and nginx's access log."""

UPLOADS: Final = "uploads/"
BACKUPS: Final = "backups/"
"""The two parts of the bucket."""


def bucket_name(settings: Settings, account: Account) -> str:
    """Unique in the world, because account and region are in it."""
    return f"{physical_name(settings.deployment)}-{account.id}-{account.region}"


def log_group_name(settings: Settings, log: str) -> str:
    """As in ``/dify/dev/nginx``."""
    return f"/{settings.deployment}/{log}"
