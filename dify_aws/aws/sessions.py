"""Sessions: boto3's, and the region that counts where none is given."""

from __future__ import annotations

import os
from collections.abc import Mapping

import boto3
from botocore.exceptions import BotoCoreError

from dify_aws.aws.errors import error_translation
from dify_aws.errors import Problem, SettingsError


def open_session(profile: str | None = None) -> boto3.Session:
    """A session of boto3's default chain.

    Args:
        profile: a profile of ``~/.aws/config``; without one, AWS_PROFILE counts, or the default profile.

    Raises:
        CredentialsError: the profile does not exist.
    """
    try:
        return boto3.Session(profile_name=profile)
    except BotoCoreError as error:
        raise error_translation.failure("boto3.Session", error) from error


def region_of(session: boto3.Session, *, default_chain: bool, environ: Mapping[str, str] | None = None) -> str:
    """The region of a session; "" if there is none.

    boto3 reads AWS_DEFAULT_REGION and the profile, and not AWS_REGION, which the AWS CLI and AWS's other SDKs read
    first. So it counts here as well, and never silently another region than theirs.

    Args:
        session: the session.
        default_chain: nobody made the session on purpose, so it is what the environment says.
        environ: the environment variables; those of this process by default.

    Raises:
        SettingsError: AWS_REGION names one region, and what boto3 reads another.
    """
    named = (os.environ if environ is None else environ).get("AWS_REGION", "")
    known = session.region_name or ""
    if default_chain and named and known and named != known:
        wrong = f"is not the {known} that boto3 finds in AWS_DEFAULT_REGION or the profile"
        right = "Give the region by name (region=), or let the two agree: the AWS CLI goes by AWS_REGION"
        raise SettingsError([Problem("AWS_REGION", named, wrong, right)])
    return known or named
