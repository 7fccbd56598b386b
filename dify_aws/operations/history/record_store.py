"""Shelf: where the records of one deployment stand in the state bucket: one object each, numbered without a gap."""

from __future__ import annotations

import re
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.errors import AwsError, DifyAwsError
from dify_aws.operations.history.record_schema import refuse_size
from dify_aws.topologies.account import Account
from dify_aws.topologies.foundation import RECORDS, state_bucket_name

TRIES: Final = 5
"""How often another run may take the number that was thought to be free."""

ALREADY_EXISTS: Final = ("PreconditionFailed", "ConditionalRequestConflict")
"""There is an object of that name, or one is being put there at this moment.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""


class RecordStore:
    """The place of the deployment that ``aws`` belongs to."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        account = Account(aws.account, aws.partition, aws.region)
        self._bucket = {"Bucket": state_bucket_name(aws.deployment.partition("/")[0], account)}
        self._prefix = f"{RECORDS}{aws.deployment}/"

    def numbers(self) -> list[int] | None:
        """The numbers of all records; None if there is no bucket."""
        try:
            found = self._aws.pages("s3.ListObjectsV2", "Contents", Prefix=self._prefix, **self._bucket)
        except AwsError as error:
            if error.code != "NoSuchBucket":
                raise
            return None
        with reading(f"s3://{self._bucket['Bucket']}/{self._prefix}", "list the records"):
            names = [each["Key"].removeprefix(self._prefix) for each in found]
        numbers = [int(name[:-5]) for name in names if re.fullmatch(r"[0-9]{8,20}\.json", name)]
        # What others put there under a name of another form is no record of ours.
        return sorted(number for number in set(numbers) if self._key(number).removeprefix(self._prefix) in names)

    def read(self, number: int) -> str:
        """The record of that number, as it was written."""
        answer = self._aws.call("s3.GetObject", Key=self._key(number), **self._bucket)
        with reading(self.where(number), "read the record"):
            refuse_size(answer["ContentLength"], self.where(number))
            text: str = answer["Body"].read().decode(errors="replace")
            return text

    def where(self, number: int) -> str:
        """The address of the record of that number."""
        return f"s3://{self._bucket['Bucket']}/{self._key(number)}"

    def add(self, text: str, numbers: list[int]) -> int:
        """Put a record behind those that are there; its number."""
        for _ in range(TRIES):
            number = max(numbers, default=0) + 1
            try:
                self._aws.call(
                    "s3.PutObject",
                    Key=self._key(number),
                    Body=text.encode(),
                    ContentType="application/json",
                    IfNoneMatch="*",
                    **self._bucket,
                )
            except AwsError as error:
                if error.code not in ALREADY_EXISTS:
                    raise
            else:
                return number
            numbers = self.numbers() or []
            for ours in numbers:
                # The answer to our own writing may have been lost, and botocore asked again.
                if ours >= number and self.read(ours) == text:
                    return ours
        raise DifyAwsError(f"others write records of {self._aws.deployment} all the time")

    def _key(self, number: int) -> str:
        return f"{self._prefix}{number:08d}.json"
