"""IamReference: what AWS asks IAM before it does an operation, as data: which action, on what, and with which keys.

Taken from AWS's service authorization reference, which has a page for each service. parliament has a copy of it inside,
and a test holds the table of EC2 against that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REFERENCE: Final = "https://docs.aws.amazon.com/service-authorization/latest/reference"

PAGES: Final[Mapping[str, str]] = {
    "cloudtrail": f"{REFERENCE}/list_awscloudtrail.html",
    "cloudwatch": f"{REFERENCE}/list_amazoncloudwatch.html",
    "dynamodb": f"{REFERENCE}/list_amazondynamodb.html",
    "ec2": f"{REFERENCE}/list_amazonec2.html",
    "ec2-instance-connect": f"{REFERENCE}/list_amazonec2instanceconnect.html",
    "iam": f"{REFERENCE}/list_awsidentityandaccessmanagementiam.html",
    "logs": f"{REFERENCE}/list_amazoncloudwatchlogs.html",
    "pricing": f"{REFERENCE}/list_awspricelist.html",
    "resourcegroupstaggingapi": f"{REFERENCE}/list_amazonresourcegrouptaggingapi.html",
    "s3": f"{REFERENCE}/list_amazons3.html",
    "s3control": f"{REFERENCE}/list_amazons3.html",
    "scheduler": f"{REFERENCE}/list_amazoneventbridgescheduler.html",
    "secretsmanager": f"{REFERENCE}/list_awssecretsmanager.html",
    "service-quotas": f"{REFERENCE}/list_servicequotas.html",
    "sns": f"{REFERENCE}/list_amazonsns.html",
    "ssm": f"{REFERENCE}/list_awssystemsmanager.html",
}
"""Where each row of the tables below can be looked up, by the service as boto3 calls it."""

EC2: Final[Mapping[str, str]] = {
    "AllocateAddress": "+elastic-ip",
    "AssociateAddress": "elastic-ip=AllocationId instance=InstanceId",
    "AssociateIamInstanceProfile": "instance=InstanceId pass=IamInstanceProfile.Arn",
    "AssociateRouteTable": "route-table=RouteTableId subnet=SubnetId",
    "AttachInternetGateway": "internet-gateway=InternetGatewayId vpc=VpcId",
    "AttachVolume": "instance=InstanceId volume=VolumeId",
    "AuthorizeSecurityGroupEgress": "security-group=GroupId +security-group-rule",
    "AuthorizeSecurityGroupIngress": "security-group=GroupId +security-group-rule",
    "CreateInstanceConnectEndpoint": "+instance-connect-endpoint subnet=SubnetId security-group=SecurityGroupIds",
    "CreateInternetGateway": "+internet-gateway",
    "CreateNatGateway": "+natgateway subnet=SubnetId elastic-ip=AllocationId",
    "CreateRoute": "route-table=RouteTableId",
    "CreateRouteTable": "+route-table vpc=VpcId",
    "CreateSecurityGroup": "+security-group vpc=VpcId",
    "CreateSubnet": "+subnet vpc=VpcId",
    "CreateVolume": "+volume",
    "CreateVpc": "+vpc",
    "CreateVpcEndpoint": "+vpc-endpoint vpc=VpcId route-table=RouteTableIds",
    "DeleteInstanceConnectEndpoint": "instance-connect-endpoint=InstanceConnectEndpointId",
    "DeleteInternetGateway": "internet-gateway=InternetGatewayId",
    "DeleteKeyPair": "key-pair=KeyName",
    "DeleteNatGateway": "natgateway=NatGatewayId",
    "DeleteRoute": "route-table=RouteTableId",
    "DeleteRouteTable": "route-table=RouteTableId",
    "DeleteSecurityGroup": "security-group=GroupId",
    "DeleteSubnet": "subnet=SubnetId",
    "DeleteVolume": "volume=VolumeId",
    "DeleteVpc": "vpc=VpcId",
    "DeleteVpcEndpoints": "vpc-endpoint=VpcEndpointIds",
    "DescribeInstanceAttribute": "instance=InstanceId",
    "DescribeVpcAttribute": "vpc=VpcId",
    "DetachInternetGateway": "internet-gateway=InternetGatewayId vpc=VpcId",
    "DisassociateAddress": "elastic-ip=AssociationId network-interface=AssociationId",
    "DisassociateRouteTable": "route-table=AssociationId subnet=AssociationId",
    "GetConsoleOutput": "instance=InstanceId",
    "ImportKeyPair": "+key-pair",
    "ModifyInstanceAttribute": "instance=InstanceId security-group=Groups",
    "ModifyInstanceConnectEndpoint": "instance-connect-endpoint=InstanceConnectEndpointId",
    "ModifyInstanceCreditSpecification": "instance=InstanceCreditSpecifications.InstanceId",
    "ModifyInstanceMetadataOptions": "instance=InstanceId",
    "ModifySubnetAttribute": "subnet=SubnetId",
    "ModifyVolume": "volume=VolumeId",
    "ModifyVpcAttribute": "vpc=VpcId",
    "ModifyVpcEndpoint": "vpc-endpoint=VpcEndpointId route-table=AddRouteTableIds route-table=RemoveRouteTableIds",
    "ReleaseAddress": "elastic-ip=AllocationId",
    "ReplaceIamInstanceProfileAssociation": "instance=AssociationId pass=IamInstanceProfile.Arn",
    "ReplaceRoute": "route-table=RouteTableId",
    "ReplaceRouteTableAssociation": "route-table=RouteTableId subnet=AssociationId",
    "RevokeSecurityGroupEgress": "security-group=GroupId",
    "RevokeSecurityGroupIngress": "security-group=GroupId",
    "RunInstances": "+instance +volume +network-interface image=ImageId subnet=SubnetId "
    "security-group=SecurityGroupIds key-pair=KeyName pass=IamInstanceProfile.Arn",
    "StartInstances": "instance=InstanceIds",
    "StopInstances": "instance=InstanceIds",
    "TerminateInstances": "instance=InstanceIds",
}
"""For each operation of EC2 the kinds of things that are judged: ``+`` is made by it, the others are there, and told in
that parameter. ``pass``: the role in the profile is handed on. Describe operations know no things but where listed."""

EC2_IDS: Final[Mapping[str, str]] = {
    "eice": "instance-connect-endpoint",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
"""What the ids of EC2 begin with."""

ELSEWHERE: Final[Mapping[str, str]] = {
    "cloudtrail.AddTags": "{ResourceId}",
    "cloudtrail.DescribeTrails": "*",
    "cloudtrail.LookupEvents": "*",
    "cloudtrail.ListTags": "{ResourceIdList}",
    "cloudtrail.*": "arn:aws:cloudtrail:{region}:{account}:trail/{Name}",
    "cloudwatch.DeleteAlarms": "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmNames}",
    "cloudwatch.DescribeAlarms": "arn:aws:cloudwatch:{region}:{account}:alarm:*",
    "cloudwatch.GetMetricData": "*",
    "cloudwatch.ListTagsForResource": "{ResourceARN}",
    "cloudwatch.PutMetricAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}",
    "cloudwatch.TagResource": "{ResourceARN}",
    "dynamodb.ListTagsOfResource": "{ResourceArn}",
    "dynamodb.TagResource": "{ResourceArn}",
    "dynamodb.*": "arn:aws:dynamodb:{region}:{account}:table/{TableName}",
    "iam.CreateOpenIDConnectProvider": "arn:aws:iam::{account}:oidc-provider/{Url}",
    "iam.ListInstanceProfiles": "*",
    "iam.ListOpenIDConnectProviders": "*",
    "iam.ListRoles": "*",
    "logs.DescribeLogGroups": "*",
    "logs.ListTagsForResource": "{resourceArn}",
    "logs.TagResource": "{resourceArn}",
    "logs.*": "arn:aws:logs:{region}:{account}:log-group:{logGroupName}",
    "pricing.GetProducts": "*",
    "resourcegroupstaggingapi.GetResources": "*",
    "s3.AbortMultipartUpload": "arn:aws:s3:::{Bucket}/{Key}",
    "s3.GetObject": "arn:aws:s3:::{Bucket}/{Key}",
    "s3.PutObject": "arn:aws:s3:::{Bucket}/{Key}",
    "s3.*": "arn:aws:s3:::{Bucket}",
    "s3control.*": "*",
    "scheduler.CreateSchedule": "arn:aws:scheduler:{region}:{account}:schedule/{GroupName}/{Name}",
    "scheduler.DeleteSchedule": "arn:aws:scheduler:{region}:{account}:schedule/{GroupName}/{Name}",
    "scheduler.GetSchedule": "arn:aws:scheduler:{region}:{account}:schedule/{GroupName}/{Name}",
    "scheduler.UpdateSchedule": "arn:aws:scheduler:{region}:{account}:schedule/{GroupName}/{Name}",
    "scheduler.ListScheduleGroups": "*",
    "scheduler.ListTagsForResource": "{ResourceArn}",
    "scheduler.TagResource": "{ResourceArn}",
    "scheduler.*": "arn:aws:scheduler:{region}:{account}:schedule-group/{Name}",
    # Behind the name are six characters that AWS has chosen.
    "secretsmanager.CreateSecret": "arn:aws:secretsmanager:{region}:{account}:secret:{Name}-a1B2c3",
    "secretsmanager.*": "arn:aws:secretsmanager:{region}:{account}:secret:{SecretId}-a1B2c3",
    "service-quotas.*": "*",
    "sns.CreateTopic": "arn:aws:sns:{region}:{account}:{Name}",
    "sns.ListTagsForResource": "{ResourceArn}",
    "sns.TagResource": "{ResourceArn}",
    "sns.Unsubscribe": "*",
    "sns.*": "{TopicArn}",
    # AWS's own public parameters are in no account.
    "ssm.GetParameter": "arn:aws:ssm:{region}::parameter{Name}",
}
"""For each operation of the other services the ARN that is judged, with parameters in braces."""

TAGGING: Final[Mapping[str, str]] = {
    "cloudtrail.CreateTrail": "cloudtrail:AddTags",
    "cloudwatch.PutMetricAlarm": "cloudwatch:TagResource",
    "dynamodb.CreateTable": "dynamodb:TagResource",
    "iam.CreateInstanceProfile": "iam:TagInstanceProfile",
    "iam.CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "iam.CreateRole": "iam:TagRole",
    "logs.CreateLogGroup": "logs:TagResource",
    "s3.CreateBucket": "s3:TagResource",
    "scheduler.CreateScheduleGroup": "scheduler:TagResource",
    "secretsmanager.CreateSecret": "secretsmanager:TagResource",
    "sns.CreateTopic": "sns:TagResource",
}
"""What is asked besides when something is made with tags; for EC2 it is ec2:CreateTags, with ec2:CreateAction."""

TO_EVERYBODY: Final = frozenset({"sts.GetCallerIdentity"})
"""What needs no permission. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
