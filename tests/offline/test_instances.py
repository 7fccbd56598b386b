"""Instances: what a launch accepts and keeps, and the states that an instance goes through.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def test_an_instance_is_pending_then_running(place: Place, world: World) -> None:
    instance = place.launch()
    assert place.state(instance) == "pending"
    world.clock.sleep(15)
    assert place.state(instance) == "pending"
    world.clock.sleep(1)
    assert place.state(instance) == "running"


def test_an_instance_is_stopping_then_stopped_and_starts_again(place: Place, world: World) -> None:
    instance = place.launch()
    world.clock.sleep(16)
    change = place.ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"][0]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    assert place.state(instance) == "stopping"
    with refused("IncorrectInstanceState"):
        place.ec2.start_instances(InstanceIds=[instance])
    world.clock.sleep(30)
    assert place.state(instance) == "stopped"
    place.ec2.start_instances(InstanceIds=[instance])
    assert place.state(instance) == "pending"
    world.clock.sleep(16)
    assert place.state(instance) == "running"


def test_an_instance_shuts_down_then_stays_listed_as_terminated_for_an_hour(place: Place, world: World) -> None:
    instance = place.launch()
    world.clock.sleep(16)
    place.ec2.terminate_instances(InstanceIds=[instance])
    assert place.state(instance) == "shutting-down"
    world.clock.sleep(30)
    assert place.state(instance) == "terminated"
    change = place.ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"][0]
    assert change["CurrentState"]["Name"] == "terminated"  # doing it again is no error
    world.clock.sleep(3600)
    with refused("InvalidInstanceID.NotFound"):
        place.instance(instance)


def test_an_instance_that_is_terminated_while_pending_never_runs(place: Place, world: World) -> None:
    instance = place.launch()
    place.ec2.terminate_instances(InstanceIds=[instance])
    world.clock.sleep(20)
    assert place.state(instance) == "shutting-down"


def test_a_terminated_instance_cannot_be_started_or_stopped(place: Place, world: World) -> None:
    instance = place.launch()
    place.ec2.terminate_instances(InstanceIds=[instance])
    world.clock.sleep(30)
    with refused("IncorrectInstanceState"):
        place.ec2.start_instances(InstanceIds=[instance])
    with refused("IncorrectInstanceState"):
        place.ec2.stop_instances(InstanceIds=[instance])


def test_termination_protection_can_be_set_at_launch(place: Place) -> None:
    instance = place.launch(DisableApiTermination=True)
    with refused("OperationNotPermitted"):
        place.ec2.terminate_instances(InstanceIds=[instance])


def test_the_type_changes_only_while_stopped_and_to_one_that_exists(place: Place, world: World) -> None:
    instance = place.launch()
    world.clock.sleep(16)
    with refused("IncorrectInstanceState"):
        place.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.large"})
    place.ec2.stop_instances(InstanceIds=[instance])
    world.clock.sleep(30)
    with refused("InvalidParameterValue"):
        place.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.gigantic"})
    place.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.large"})
    assert place.instance(instance)["InstanceType"] == "t3.large"


def test_a_launch_of_what_does_not_exist_is_refused(place: Place) -> None:
    with refused("InvalidAMIID.NotFound"):
        place.launch(ImageId="ami-0123456789abcdef0")
    with refused("InvalidParameterValue"):
        place.launch(InstanceType="t3.gigantic")
    with refused("InvalidKeyPair.NotFound"):
        place.launch(KeyName="nobody")
    with refused("InvalidGroup.NotFound"):
        place.launch(SecurityGroupIds=["sg-0123456789abcdef0"])
    assert place.ec2.describe_instances()["Reservations"] == []


def test_a_launch_without_a_key_pair_is_fine(place: Place) -> None:
    assert "KeyName" not in place.instance(place.launch())


def test_its_disks_are_missing_in_the_first_answers(place: Place, world: World) -> None:
    """https://github.com/aws/aws-sdk-php/issues/2804"""
    instance = place.launch()
    assert place.instance(instance)["BlockDeviceMappings"] == []
    world.clock.advance(17)
    assert place.state(instance) == "running"
    assert place.instance(instance)["BlockDeviceMappings"] == []
    world.clock.advance(5)
    assert len(place.instance(instance)["BlockDeviceMappings"]) == 1


def test_volumes_of_a_launch_have_the_requested_options(place: Place, ec2: EC2Client, world: World) -> None:
    """Type, IOPS, throughput, encryption and tags; and they go with the instance unless it was said otherwise."""
    ebs = {"VolumeSize": 30, "VolumeType": "gp3", "Iops": 4000, "Throughput": 250, "Encrypted": True}
    kept = {"VolumeSize": 5, "VolumeType": "gp3", "DeleteOnTermination": False}
    instance = place.launch(
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": ebs}, {"DeviceName": "/dev/sdf", "Ebs": kept}],
        TagSpecifications=[
            {"ResourceType": kind, "Tags": [{"Key": "of", "Value": kind}]}
            for kind in ("instance", "volume", "network-interface")
        ],
    )
    world.clock.advance(60)
    devices = {each["DeviceName"]: each["Ebs"] for each in place.instance(instance)["BlockDeviceMappings"]}
    assert [devices[name]["DeleteOnTermination"] for name in ("/dev/sda1", "/dev/sdf")] == [True, False]
    root = ec2.describe_volumes(VolumeIds=[devices["/dev/sda1"]["VolumeId"]])["Volumes"][0]
    assert {name: root[name] for name in ("VolumeType", "Iops", "Throughput", "Encrypted")} == {
        "VolumeType": "gp3",
        "Iops": 4000,
        "Throughput": 250,
        "Encrypted": True,
    }
    assert root["Size"] == 30
    assert root["Tags"] == [{"Key": "of", "Value": "volume"}]
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "tag:of", "Values": ["network-interface"]}])
    assert len(interfaces["NetworkInterfaces"]) == 1


def test_termination_takes_along_what_it_should_and_only_at_its_end(place: Place, world: World) -> None:
    deleted_with_instance = {"VolumeSize": 30, "VolumeType": "gp3"}
    kept = {"VolumeSize": 5, "VolumeType": "gp3", "DeleteOnTermination": False}
    instance = place.launch(
        BlockDeviceMappings=[
            {"DeviceName": "/dev/sda1", "Ebs": deleted_with_instance},
            {"DeviceName": "/dev/sdf", "Ebs": kept},
        ]
    )
    world.clock.sleep(16)
    place.ec2.terminate_instances(InstanceIds=[instance])
    assert {each["State"] for each in place.ec2.describe_volumes()["Volumes"]} == {"in-use"}
    assert len(place.ec2.describe_network_interfaces()["NetworkInterfaces"]) == 1
    world.clock.sleep(30)
    assert [(each["Size"], each["State"]) for each in place.ec2.describe_volumes()["Volumes"]] == [(5, "available")]
    assert place.ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_metadata_options_that_are_not_spoken_of_stay(place: Place) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html"""
    instance = place.launch(MetadataOptions={"HttpTokens": "required"})
    place.ec2.modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=2)

    options = place.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)


def test_an_instance_tells_the_profile_that_it_has_now(place: Place, world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceIamInstanceProfileAssociation.html"""
    iam = world.session.client("iam")
    for name in ("first", "second"):
        iam.create_instance_profile(InstanceProfileName=name)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    world.clock.sleep(60)
    instance = place.launch(IamInstanceProfile={"Name": "first"})
    (association,) = place.ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    place.ec2.replace_iam_instance_profile_association(
        AssociationId=association["AssociationId"], IamInstanceProfile={"Name": "second"}
    )

    described = place.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert described["IamInstanceProfile"]["Arn"].endswith("/second")
