"""The installer: from a fresh machine to a Dify that answers. It never sees boto3: the cloud hands it ``Outputs``."""

from dify_aws.install.bundle import Bundle
from dify_aws.install.bundle_file import BundleFile, DataDirectory
from dify_aws.install.dify_secrets import DifySecrets

__all__ = ["Bundle", "BundleFile", "DataDirectory", "DifySecrets"]
