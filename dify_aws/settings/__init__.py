"""Settings: what a person wishes for, its rules, and how it is written: in Python, TOML or environment variables."""

from dify_aws.settings.environment_variables import LOG, PREFIX
from dify_aws.settings.settings import Settings

__all__ = ["LOG", "PREFIX", "Settings"]
