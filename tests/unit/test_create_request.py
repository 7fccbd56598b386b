"""Ownership tags and client tokens, in the form that each creating operation takes them."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel

from dify_aws.aws.create_request import NotTaggable, create_request, new_names, tag_map
from dify_aws.secrets import Secret

TAGS = {"Name": "dev", "dify-aws:address": "vpc/main"}
AS_LIST = [{"Key": "Name", "Value": "dev"}, {"Key": "dify-aws:address", "Value": "vpc/main"}]


def model(operation: str) -> OperationModel:
    service, _, name = operation.partition(".")
    return botocore.session.get_session().get_service_model(service).operation_model(name)


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("CreateVpc", "vpc"),
        ("CreateSubnet", "subnet"),
        ("CreateInternetGateway", "internet-gateway"),
        ("CreateNatGateway", "natgateway"),
        ("CreateRouteTable", "route-table"),
        ("CreateVpcEndpoint", "vpc-endpoint"),
        ("CreateInstanceConnectEndpoint", "instance-connect-endpoint"),
        ("CreateSecurityGroup", "security-group"),
        ("ImportKeyPair", "key-pair"),
        ("CreateVolume", "volume"),
        ("CreateLaunchTemplate", "launch-template"),
        ("CreateSnapshot", "snapshot"),
        ("CreateSnapshots", "snapshot"),
    ],
)
def test_ec2_takes_tag_specifications(name: str, type: str) -> None:
    """Of the type that the operation is called by."""
    request = create_request(model(f"ec2.{name}"), {}, TAGS, generation=0)

    assert request["TagSpecifications"] == [{"ResourceType": type, "Tags": AS_LIST}]


def test_ec2_is_given_the_types_that_no_name_shows() -> None:
    """What a call makes several of, or calls otherwise; and a name that EC2 does not know is an error."""
    types = ("instance", "volume")
    request = create_request(model("ec2.RunInstances"), {}, TAGS, generation=0, tagged_types=types)

    assert [each["ResourceType"] for each in request["TagSpecifications"]] == list(types)
    with pytest.raises(NotTaggable, match="address"):
        create_request(model("ec2.AllocateAddress"), {}, TAGS, generation=0)


@pytest.mark.parametrize(
    ("operation", "where"),
    [
        ("iam.CreateRole", ("Tags", AS_LIST)),
        ("iam.CreateInstanceProfile", ("Tags", AS_LIST)),
        ("cloudwatch.PutMetricAlarm", ("Tags", AS_LIST)),
        ("sns.CreateTopic", ("Tags", AS_LIST)),
        ("secretsmanager.CreateSecret", ("Tags", AS_LIST)),
        ("logs.CreateLogGroup", ("tags", TAGS)),
    ],
)
def test_the_other_services_take_lists_and_maps(operation: str, where: tuple[str, Any]) -> None:
    name, expected = where

    assert create_request(model(operation), {}, TAGS, generation=0)[name] == expected


def test_a_bucket_takes_them_inside_its_configuration() -> None:
    params = {"CreateBucketConfiguration": {"LocationConstraint": "ap-northeast-1"}}

    request = create_request(model("s3.CreateBucket"), params, TAGS, generation=0)

    assert request["CreateBucketConfiguration"] == {"LocationConstraint": "ap-northeast-1", "Tags": AS_LIST}


def token(name: str = "RunInstances", *, generation: int = 0, tags: dict[str, str] | None = None, **params: Any) -> str:
    return str(create_request(model(f"ec2.{name}"), params, tags or TAGS, generation=generation)["ClientToken"])


def test_the_token_is_the_same_in_every_run_that_asks_for_the_same() -> None:
    assert token(ImageId="ami-1") == token(ImageId="ami-1")


def test_the_token_is_another_one_for_anything_else() -> None:
    others = {
        token(ImageId="ami-1"),
        token(ImageId="ami-2"),
        token(ImageId="ami-1", generation=1),
        token(ImageId="ami-1", tags={**TAGS, "dify-aws:deployment": "other"}),
        token("CreateVolume", ImageId="ami-1"),
    }

    assert len(others) == 5
    assert all(len(each) <= 64 for each in others), "AWS takes 64 characters"


def test_operations_without_a_token_get_none() -> None:
    assert "ClientToken" not in create_request(model("ec2.CreateVpc"), {}, TAGS, generation=0)


def test_a_secret_value_is_sent_to_aws_and_takes_no_part_in_a_token() -> None:
    request = create_request(
        model("secretsmanager.CreateSecret"), {"SecretString": Secret("hunter2")}, TAGS, generation=0
    )

    assert request["SecretString"] == "hunter2"
    assert "ClientRequestToken" not in request


def test_fresh_names_are_ids_arns_and_names_of_the_answer() -> None:
    answer = {"Vpc": {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "State": "pending"}}

    assert new_names(answer, model("ec2.CreateVpc").output_shape) == {"vpc-1"}


def test_the_account_is_not_fresh() -> None:
    answer = {"Vpc": {"VpcId": "vpc-1", "OwnerId": "123456789012"}}
    assert new_names(answer, model("ec2.CreateVpc").output_shape) == {"vpc-1"}


def test_tags_of_aws_itself_are_not_ours() -> None:
    assert tag_map([{"Key": "aws:createdBy", "Value": "x"}, {"Key": "a", "Value": "b"}]) == {"a": "b"}
    assert tag_map({"aws:x": "1", "a": "b"}) == {"a": "b"}
    assert tag_map(None) == {}
