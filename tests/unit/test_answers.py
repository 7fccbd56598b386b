"""What AWS and botocore say when something fails, and what a person is told."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ProfileNotFound

from dify_aws.aws.answers import failure, refusal
from dify_aws.errors import AwsError, CredentialsError, PermissionDenied, QuotaExceeded


def answered(operation: str, code: str, message: str = "no", status: int = 400) -> AwsError:
    said: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"RequestId": "4711", "HTTPStatusCode": status},
    }
    return refusal(operation, ClientError(said, operation.partition(".")[2]), "ap-northeast-1")


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
