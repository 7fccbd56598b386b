"""Answers: what AWS or botocore says when a call fails, turned into our errors, once and here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from getpass import GetPassWarning
from typing import Any, Final

from botocore import exceptions as botocore_errors
from botocore.parsers import ResponseParserError

from dify_aws import trusted_roots
from dify_aws.aws.actions import action_of
from dify_aws.aws.errors import clock_skew, denial
from dify_aws.aws.errors.quotas import IAM_QUOTA, QUOTAS
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
    }
)

ACCOUNT_ADVICE: Final[Mapping[str, str]] = {
    "OptInRequired": (
        "The service or the region is not enabled for this account. Enable the region (AWS console: Account, AWS "
        "Regions), or finish signing up to AWS (a payment method, the phone call), and run again."
    ),
    "SubscriptionRequiredException": (
        "The service is not enabled for this account: finish signing up to AWS (a payment method, the phone call), and "
        "run again."
    ),
    "PendingVerification": (
        "AWS is still validating this account for the region, which takes minutes, and at the most four hours. "
        "Run again after that; if it stays so, ask AWS Support."
    ),
    "Blocked": "AWS has blocked this account: a bill may be unpaid. Write to AWS Support.",
}
"""What the state of the account is in the way of, whoever asks."""

MARKETPLACE: Final = re.compile(r"https://aws\.amazon\.com/marketplace/\S+[^\s.,;)]")
MARKETPLACE_ADVICE: Final = (
    "This image is a product of AWS Marketplace, and its terms have to be accepted by this account first: {where}. "
    "Or leave image_id out of the settings, and Canonical's Ubuntu is used."
)

NO_CAPACITY: Final = frozenset({"InsufficientInstanceCapacity", "InsufficientVolumeCapacity"})
"""AWS has no room in the zone at this moment.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html#troubleshooting-launch-capacity"""

CAPACITY_ADVICE: Final = (
    "AWS has no room for this in the zone at this moment; nothing is wrong with the settings. Wait and run again: it "
    "often passes within the hour. Or choose another instance_type that the zone offers (`aws ec2 "
    "describe-instance-type-offerings --location-type availability-zone` lists them); if a change of instance_type "
    "has stopped the machine, the old type starts it again. Another zone is tried by itself where availability_zone is "
    "not set, the network is our own, and there is no data volume yet. If there is one and nothing is stored on it: "
    "destroy(delete_data=True), and deploy with another availability_zone. If there is data: move the data volume to "
    "another zone by a snapshot (docs/instance-types.md)."
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

MOST_SHOWN: Final = 500
"""Characters of an answer that could not be read."""

CREDENTIALS_ADVICE: Final = (
    "Check which credentials are used with `aws sts get-caller-identity` (AWS_PROFILE, AWS_ACCESS_KEY_ID, "
    "`aws sso login`), that the clock of this machine is right, and that the region is enabled for the account."
)


def refusal(operation: str, error: botocore_errors.ClientError, region: str, bucket: str = "") -> AwsError:
    """What AWS answered, as the error of ours that says what to do next; ``bucket`` is what it was about, if any."""
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", "Unknown"))
    message = _readable(str(answer.get("Error", {}).get("Message", "")))
    metadata: Mapping[str, Any] = answer.get("ResponseMetadata", {})
    request_id = str(metadata.get("RequestId") or metadata.get("HostId") or "")
    status = int(metadata.get("HTTPStatusCode") or 0)
    if code in BAD_CREDENTIALS | clock_skew.CODES and (advice := clock_skew.advice(code, message, metadata)):
        return CredentialsError(operation, code, message, request_id=request_id, status=status, advice=advice)
    if code in DENIED or "declarative policy" in message.lower():
        action = _action_in(message) or action_of(operation)
        return PermissionDenied(
            operation,
            code,
            message,
            action=action,
            request_id=request_id,
            status=status,
            advice=denial.advice(message, action, bucket),
        )
    if code in QUOTAS:
        advice = QUOTAS[code].advice(region)
        return QuotaExceeded(operation, code, message, request_id=request_id, status=status, advice=advice)
    if code in NO_CAPACITY:
        return AwsError(operation, code, message, request_id=request_id, status=status, advice=CAPACITY_ADVICE)
    if code == "LimitExceeded" and operation.startswith("iam."):
        return QuotaExceeded(operation, code, message, request_id=request_id, status=status, advice=IAM_QUOTA)
    if code == "OptInRequired" and "marketplace" in message.lower():
        link = MARKETPLACE.search(message)
        advice = MARKETPLACE_ADVICE.format(where=link[0] if link else "https://aws.amazon.com/marketplace")
        return AwsError(operation, code, message, request_id=request_id, status=status, advice=advice)
    if code in ACCOUNT_ADVICE:
        advice = ACCOUNT_ADVICE[code]
        return AwsError(operation, code, message, request_id=request_id, status=status, advice=advice)
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
    if isinstance(error, botocore_errors.SSLError):
        return AwsError(operation, code, str(error), advice=trusted_roots.ADVICE)
    if isinstance(error, botocore_errors.HTTPClientError | botocore_errors.ConnectionError):
        advice = (
            "Check the network and proxy of this machine, the name of the region, and AWS_ENDPOINT_URL; then run again."
        )
        return AwsError(operation, code, str(error), advice=advice)
    return AwsError(operation, code, str(error))


def no_terminal(operation: str, error: Exception) -> CredentialsError | None:
    """The error of ours if nobody could be asked for a code of MFA, as in CI or a job without a terminal.

    botocore asks with ``getpass``, whose errors are not botocore's.
    """
    if isinstance(error, EOFError | GetPassWarning) or type(error).__name__ == "StdinNotImplementedError":
        advice = (
            "The profile takes a role that asks for a code of MFA (mfa_serial), and there is no terminal to ask for it "
            "on. Use credentials that need no code, or hand over those of a session that is open already: on a machine "
            "with a terminal, `aws configure export-credentials --format env` prints them."
        )
        return CredentialsError(operation, "NoTerminal", "nobody could be asked for the MFA code", advice=advice)
    return None


def unreadable(operation: str, error: Exception) -> AwsError | None:
    """The error of ours if botocore could not read the answer: it is no XML or JSON, or nested to any depth."""
    if isinstance(error, ResponseParserError | RecursionError):
        advice = (
            "Where AWS_ENDPOINT_URL or a proxy leads to something else than AWS, look there; AWS itself does not "
            "answer so. Then run again."
        )
        return AwsError(operation, "UnreadableAnswer", str(error)[:MOST_SHOWN], advice=advice)
    return None


def _about_an_address(operation: str) -> bool:
    # EC2 answers AuthFailure when an address still belongs to a NAT gateway that is going: nothing to do with keys.
    return operation in ("ec2.ReleaseAddress", "ec2.DisassociateAddress")


def _action_in(message: str) -> str | None:
    named = re.search(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)", message)
    return named[1] if named else None


def _readable(message: str) -> str:
    # EC2 appends a thousand characters that only sts:DecodeAuthorizationMessage can read.
    # The white space before it is left to strip(): a pattern that begins with it takes quadratic time.
    return re.sub(r"Encoded authorization failure message: \S+", "", message).strip()
