"""The contents of a bucket: whether there are any, and how all of them are deleted."""

from __future__ import annotations

from dify_aws.aws import Aws
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete


def is_empty(aws: Aws, bucket: str) -> bool:
    """Whether there is no version of any object in it, no delete marker, and no unfinished upload."""
    page = aws.call("s3.ListObjectVersions", Bucket=bucket, MaxKeys=1)
    uploads = aws.call("s3.ListMultipartUploads", Bucket=bucket, MaxUploads=1)
    return not any((page.get("Versions"), page.get("DeleteMarkers"), uploads.get("Uploads")))


def delete_objects(aws: Aws, bucket: str) -> None:
    """Delete every version of every object, every delete marker, and every upload that was never finished."""
    try:
        while True:
            page = aws.call("s3.ListObjectVersions", Bucket=bucket, MaxKeys=1000)
            items = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if not items:
                break
            doomed = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in items]
            answer = aws.call("s3.DeleteObjects", Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
            for failed in answer.get("Errors", ()):
                raise AwsError("s3.DeleteObjects", failed["Code"], f"{failed['Key']}: {failed.get('Message', '')}")
        for upload in aws.pages("s3.ListMultipartUploads", "Uploads", Bucket=bucket):
            delete(aws, "s3.AbortMultipartUpload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except AwsError as error:
        if error.code != "NoSuchBucket":
            raise
