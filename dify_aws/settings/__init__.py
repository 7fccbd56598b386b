"""Settings: the desired state of an environment, its rules, and how it is written (Python, TOML, environment)."""

from dify_aws.settings.environment_variables import LOG, PREFIX
from dify_aws.settings.settings import Settings

__all__ = ["LOG", "PREFIX", "Settings"]
