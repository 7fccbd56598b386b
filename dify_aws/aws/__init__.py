"""The one door to AWS: nothing outside this package (and ``offline``) imports boto3."""

from boto3 import Session

from dify_aws.aws.client import Aws

__all__ = ["Aws", "Session"]
