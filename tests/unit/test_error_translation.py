"""What AWS and botocore say when something fails, and what a person is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ProfileNotFound

from dify_aws.aws.errors.error_translation import failure, refusal
from dify_aws.errors import AwsError, CredentialsError, PermissionDenied, QuotaExceeded


def answered(operation: str, code: str, message: str = "no", status: int = 400, date: str | None = None) -> AwsError:
    params: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "RequestId": "4711",
            "HTTPStatusCode": status,
            "HTTPHeaders": {"date": date} if date else {},
        },
    }
    return refusal(operation, ClientError(params, operation.partition(".")[2]), "ap-northeast-1")


def test_it_says_where_what_and_the_request_id() -> None:
    error = answered("ec2.CreateVpc", "InvalidParameterValue", "Value (x) is invalid")

    assert str(error) == "ec2.CreateVpc: InvalidParameterValue: Value (x) is invalid (request id 4711)"
    assert (error.operation, error.code, error.request_id) == ("ec2.CreateVpc", "InvalidParameterValue", "4711")


@pytest.mark.parametrize(
    ("operation", "code", "message", "action"),
    [
        (
            "ec2.CreateVpc",
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
            "ec2:CreateVpc",
        ),
        (
            "iam.CreateRole",
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/x is not authorized to perform: iam:CreateRole on resource: role/y",
            "iam:CreateRole",
        ),
        (
            "ec2.RunInstances",
            "UnauthorizedOperation",
            "… is not authorized to perform: iam:PassRole on …",
            "iam:PassRole",
        ),
        ("s3.GetBucketEncryption", "AccessDenied", "Access Denied", "s3:GetEncryptionConfiguration"),
        ("resourcegroupstaggingapi.GetResources", "AccessDeniedException", "no", "tag:GetResources"),
    ],
)
def test_a_missing_permission_is_named_as_iam_names_it(operation: str, code: str, message: str, action: str) -> None:
    error = answered(operation, code, message, 403)

    assert isinstance(error, PermissionDenied)
    assert error.action == action
    assert f"Allow {action}" in str(error)


def test_what_only_aws_can_read_is_left_out() -> None:
    blob = "x" * 900
    error = answered(
        "ec2.CreateVpc", "UnauthorizedOperation", f"No. Encoded authorization failure message: {blob}", 403
    )

    assert blob not in str(error)


@pytest.mark.parametrize(
    ("operation", "code", "quota"),
    [
        ("ec2.CreateVpc", "VpcLimitExceeded", "VPCs per Region"),
        ("ec2.AllocateAddress", "AddressLimitExceeded", "EC2-VPC Elastic IPs"),
        ("ec2.RunInstances", "VcpuLimitExceeded", "Running On-Demand Standard"),
    ],
)
def test_a_quota_is_named_with_the_place_to_raise_it(operation: str, code: str, quota: str) -> None:
    error = answered(operation, code)

    assert isinstance(error, QuotaExceeded)
    assert quota in str(error)
    assert "https://ap-northeast-1.console.aws.amazon.com/servicequotas/" in str(error)


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "AuthFailure"])
def test_wrong_credentials_say_what_to_check(code: str) -> None:
    error = answered("sts.GetCallerIdentity", code)

    assert isinstance(error, CredentialsError)
    assert "aws sts get-caller-identity" in str(error)


def test_an_address_that_is_still_taken_is_no_question_of_credentials() -> None:
    assert type(answered("ec2.ReleaseAddress", "AuthFailure")) is AwsError


@pytest.mark.parametrize("error", [NoCredentialsError(), ProfileNotFound(profile="nobody")])
def test_credentials_that_are_not_found(error: Any) -> None:
    assert isinstance(failure("sts.GetCallerIdentity", error), CredentialsError)


def test_no_network() -> None:
    error = failure("ec2.CreateVpc", EndpointConnectionError(endpoint_url="https://ec2.nowhere.amazonaws.com"))

    assert "ec2.CreateVpc" in str(error)
    assert "AWS_ENDPOINT_URL" in str(error)


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        ("s3.CreateBucket", "RequestTimeTooSkewed", "The difference between the request time and the current time is…"),
        ("sts.GetCallerIdentity", "SignatureDoesNotMatch", "Signature expired: 20261201T000000Z is now earlier than …"),
        ("iam.GetRole", "SignatureDoesNotMatch", "Signature not yet current: 20261201T000000Z is still later than …"),
        ("dynamodb.GetItem", "InvalidSignatureException", "Signature expired: 20261201T000000Z is now earlier than …"),
        ("ec2.DescribeVpcs", "RequestExpired", "Request has expired."),
        ("ec2.DescribeVpcs", "AuthFailure", "AWS was not able to validate the provided access credentials"),
    ],
)
@pytest.mark.parametrize(
    ("hours", "expected_text"),
    [(-3.5, "3 h 30 min behind AWS's"), (26, "1 d 2 h ahead of AWS's")],
    ids=["behind", "ahead"],
)
def test_a_wrong_clock_is_reported_in_every_service(
    operation: str, code: str, message: str, hours: float, expected_text: str
) -> None:
    """By the time in the answer, whatever the words are: EC2 speaks only of credentials."""
    there = datetime.now(UTC) - timedelta(hours=hours)
    error = answered(operation, code, message, 403, date=format_datetime(there))

    assert isinstance(error, CredentialsError)
    assert expected_text in str(error)
    assert "timedatectl" in str(error)


def test_credentials_that_are_wrong_at_the_right_time() -> None:
    """Nobody is sent to the clock for a wrong key; and without the time of AWS its words count."""
    now = format_datetime(datetime.now(UTC))
    wrong = answered("ec2.DescribeVpcs", "AuthFailure", "AWS was not able to validate…", 401, date=now)
    skewed = answered("s3.HeadBucket", "RequestTimeTooSkewed")

    assert isinstance(wrong, CredentialsError)
    assert "timedatectl" not in str(wrong)
    assert "timedatectl" in str(skewed)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("with an explicit deny in a service control policy", "organisation"),
        ("because no service control policies allow the ec2:RunInstances action", "organisation"),
        ("with an explicit deny in a resource control policy", "organisation"),
        ("because no permissions boundary allows the ec2:RunInstances action", "boundary"),
        ("because no session policy allows the ec2:RunInstances action", "session"),
        ("because no VPC endpoint policy allows the ec2:RunInstances action", "endpoint"),
        ("with an explicit deny in an identity-based policy", "Take the Deny away"),
        ("because no identity-based policy allows the ec2:RunInstances action", "Allow ec2:RunInstances"),
    ],
)
def test_a_denial_names_the_policy_that_has_to_change(reason: str, message: str) -> None:
    """AWS says which kind of policy it was: to allow an action that an SCP denies helps nobody."""
    who = (
        "User: arn:aws:sts::123456789012:assumed-role/x/y is not authorized to perform: ec2:RunInstances on resource: *"
    )
    error = answered("ec2.RunInstances", "UnauthorizedOperation", f"{who} {reason}", 403)

    assert isinstance(error, PermissionDenied)
    assert message in str(error)
    assert ("Allow ec2:RunInstances to whoever" in str(error)) == ("identity-based policy allows" in reason)


def test_a_declarative_policy_is_a_denial() -> None:
    message = "This functionality has been disabled by a Declarative Policy. Custom Message: ask IT"
    error = answered("ec2.CreateVpcEndpoint", "OperationNotPermitted", message, 403)

    assert isinstance(error, PermissionDenied)
    assert "declarative policy of the organisation" in str(error)


def test_terms_of_the_marketplace_are_no_question_of_credentials() -> None:
    link = "https://aws.amazon.com/marketplace/pp?sku=abc123"
    message = (
        f"In order to use this AWS Marketplace product you need to accept terms and subscribe. Please visit {link}"
    )
    error = answered("ec2.RunInstances", "OptInRequired", message, 401)

    assert not isinstance(error, CredentialsError)
    assert f"accepted by this account first: {link}." in str(error)
    assert "image_id" in str(error)


@pytest.mark.parametrize("code", ["OptInRequired", "SubscriptionRequiredException", "PendingVerification", "Blocked"])
def test_the_state_of_the_account_is_no_question_of_credentials(code: str) -> None:
    error = answered("ec2.RunInstances", code, "You are not subscribed to this service.", 401)

    assert not isinstance(error, CredentialsError)
    assert "this account" in str(error)
