"""Answers: what AWS or botocore says when a call fails, turned into our errors, once and here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from botocore import exceptions as botocore_errors

from dify_aws.aws.actions import action_of
from dify_aws.aws.quotas import IAM_QUOTA, QUOTAS
from dify_aws.errors import AwsError, CredentialsError, PermissionDenied, QuotaExceeded

DENIED: Final = frozenset(
    {
        "UnauthorizedOperation",
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
    }
)

BAD_CREDENTIALS: Final = frozenset(
    {
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidToken",
        "OptInRequired",
    }
)

LOCAL_CREDENTIAL_ERRORS: Final = (
    botocore_errors.NoCredentialsError,
    botocore_errors.PartialCredentialsError,
    botocore_errors.CredentialRetrievalError,
    botocore_errors.ProfileNotFound,
    botocore_errors.SSOError,
    botocore_errors.InvalidConfigError,
    botocore_errors.ConfigParseError,
)

CREDENTIALS_ADVICE: Final = (
    "Check which credentials are used with `aws sts get-caller-identity` (AWS_PROFILE, AWS_ACCESS_KEY_ID, "
    "`aws sso login`), that the clock of this machine is right, and that the region is enabled for the account."
)


def refusal(operation: str, error: botocore_errors.ClientError, region: str) -> AwsError:
    """What AWS answered, as the error of ours that says what to do next."""
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", "Unknown"))
    message = _readable(str(answer.get("Error", {}).get("Message", "")))
    metadata: Mapping[str, Any] = answer.get("ResponseMetadata", {})
    request_id = str(metadata.get("RequestId") or metadata.get("HostId") or "")
    status = int(metadata.get("HTTPStatusCode") or 0)
    if code in DENIED:
        return PermissionDenied(
            operation,
            code,
            message,
            action=_action_in(message) or action_of(operation),
            request_id=request_id,
            status=status,
        )
    if code in QUOTAS:
        advice = QUOTAS[code].advice(region)
        return QuotaExceeded(operation, code, message, request_id=request_id, status=status, advice=advice)
    if code == "LimitExceeded" and operation.startswith("iam."):
        return QuotaExceeded(operation, code, message, request_id=request_id, status=status, advice=IAM_QUOTA)
    if code in BAD_CREDENTIALS and not _about_an_address(operation):
        return CredentialsError(
            operation, code, message, request_id=request_id, status=status, advice=CREDENTIALS_ADVICE
        )
    return AwsError(operation, code, message, request_id=request_id, status=status)


def failure(operation: str, error: botocore_errors.BotoCoreError) -> AwsError:
    """What botocore could not do on this side of the connection."""
    code = type(error).__name__
    if isinstance(error, LOCAL_CREDENTIAL_ERRORS):
        return CredentialsError(operation, code, str(error), advice=CREDENTIALS_ADVICE)
    if isinstance(error, botocore_errors.HTTPClientError | botocore_errors.ConnectionError):
        advice = (
            "Check the network and proxy of this machine, the name of the region, and AWS_ENDPOINT_URL; then run again."
        )
        return AwsError(operation, code, str(error), advice=advice)
    return AwsError(operation, code, str(error))


def _about_an_address(operation: str) -> bool:
    # EC2 answers AuthFailure when an address still belongs to a NAT gateway that is going: nothing to do with keys.
    return operation in ("ec2.ReleaseAddress", "ec2.DisassociateAddress")


def _action_in(message: str) -> str | None:
    named = re.search(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)", message)
    return named[1] if named else None


def _readable(message: str) -> str:
    # EC2 appends a thousand characters that only sts:DecodeAuthorizationMessage can read.
    return re.sub(r"\s*Encoded authorization failure message: \S+", "", message)
