"""InstancePower: starting and stopping an instance, and what can only be changed while it is stopped."""

from __future__ import annotations

from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.waiters import Waiter

RUNNING: Final = Waiter("ec2", "instance_running", 600, 2, "about 17 s as a rule")
STOPPED: Final = Waiter("ec2", "instance_stopped", 900, 5, "the machine writes its data first")
TERMINATED: Final = Waiter("ec2", "instance_terminated", 900, 3, "about 30 s as a rule")


def start(aws: Aws, instance: str) -> None:
    """Start an instance, and wait until it runs."""
    aws.call("ec2.StartInstances", InstanceIds=[instance])
    aws.wait(RUNNING, InstanceIds=[instance])


def stop(aws: Aws, instance: str) -> None:
    """Stop an instance, and wait until it is stopped."""
    aws.call("ec2.StopInstances", InstanceIds=[instance])
    aws.wait(STOPPED, InstanceIds=[instance])


def change_type(aws: Aws, instance: str, instance_type: str) -> None:
    """Give an instance another type. It is stopped for that, and stays stopped: AWS changes no other."""
    stop(aws, instance)
    aws.call("ec2.ModifyInstanceAttribute", InstanceId=instance, InstanceType={"Value": instance_type})
