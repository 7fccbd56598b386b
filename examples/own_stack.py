"""A stack of your own: an instance in a network, a bucket, and an alarm, without Dify.

A resource describes the desired state. If a field holds the ``id`` of another resource, that is a dependency. The stack
finds the order, and uses the tags in AWS to know what already exists.

This runs in the offline world. For a real account, replace ``world.session`` by ``boto3.Session()`` (or leave the
session out); no other line changes.
"""

from rich.console import Console

import dify_aws

LAB = "lab"  # the name of the stack; it is a tag of all its resources
IMAGE = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"


def lab() -> dify_aws.Stack:
    """The desired resources. This makes no AWS calls."""
    vpc = dify_aws.Vpc(name="main", cidr_block="10.7.0.0/16")
    subnet = dify_aws.Subnet(name="web", vpc=vpc.id, cidr_block="10.7.1.0/24", availability_zone="ap-northeast-1a")
    gateway = dify_aws.InternetGateway(name="main", vpc=vpc.id)
    routes = dify_aws.RouteTable(name="web", vpc=vpc.id, routes={"0.0.0.0/0": gateway.id}, subnets=[subnet.id])
    group = dify_aws.SecurityGroup(
        name="web", vpc=vpc.id, description="HTTPS from anywhere", ingress=[dify_aws.Rule("0.0.0.0/0", 443)]
    )
    server = dify_aws.Instance(
        name="web", image=IMAGE, instance_type="t3.small", subnet=subnet.id, security_groups=[group.id]
    )
    address = dify_aws.ElasticIp(name="web", instance=server.id)
    files = dify_aws.Bucket(name="files")
    alarm = dify_aws.Alarm(
        name="cpu",
        namespace="AWS/EC2",
        metric_name="CPUUtilization",
        dimensions={"InstanceId": server.id},
        threshold=80,
    )
    return dify_aws.Stack(LAB, [vpc, subnet, gateway, routes, group, server, address, files, alarm])


def main(console: Console) -> None:
    with dify_aws.offline() as world, dify_aws.Progress(console) as progress:
        aws = dify_aws.Aws(world.session, deployment=LAB)
        stack = lab()

        console.print(stack.plan(aws))
        applied = stack.apply(aws, listener=progress)
        console.print("The server is at", applied["elastic-ip/web"]["public_ip"])

        # Somebody changes something by hand. The next plan shows it, and the next apply corrects it.
        world.session.client("cloudwatch").put_metric_alarm(
            AlarmName=applied["alarm/cpu"].id,
            Namespace="AWS/EC2",
            MetricName="CPUUtilization",
            Statistic="Average",
            Period=300,
            EvaluationPeriods=1,
            Threshold=99,
            ComparisonOperator="GreaterThanThreshold",
        )
        console.print(stack.plan(aws))
        stack.apply(aws, listener=progress)

        # The bucket holds data, so it is kept without delete_data=True.
        stack.destroy(aws, delete_data=True, listener=progress)


if __name__ == "__main__":
    main(Console(highlight=False))
