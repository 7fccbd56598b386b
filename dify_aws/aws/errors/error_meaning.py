"""ErrorMeaning: which errors of AWS mean that a thing is not there, and which that it exists already.

Services name both by conventions of their own, so they are decided for each service. What one kind of resource adds to
its service stands in the file of the kind (``Resource.already_exists``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from dify_aws.errors import AwsError


@dataclass(frozen=True)
class Codes:
    """What the errors of one service mean: regular expressions for ``code: message``."""

    not_found: str
    exists: str


USUAL: Final = Codes(r"\w*NotFound(Exception)?: ", r"\w*(AlreadyExists|ResourceExists)(Exception)?: ")
"""As most services do."""

QUERY: Final = Codes(r"\w*NotFound(Fault)?: ", r"(\w*AlreadyExists(Fault)?|Duplicate\w*): ")
"""As the older services do, which append Fault to some codes."""

SERVICES: Final[Mapping[str, Codes]] = {
    "autoscaling": Codes(r"ValidationError: .*not found", r"AlreadyExists(Fault)?: "),
    "budgets": Codes(r"NotFoundException: ", r"DuplicateRecordException: "),
    "cloudfront": Codes(r"(NoSuch\w+|EntityNotFound): ", r"\w+AlreadyExists: "),
    # Whoever repeats CreateTable hears that the table is in use.
    "dynamodb": Codes(USUAL.not_found, r"ResourceInUseException: "),
    "ec2": Codes(
        r"(\w+\.)*\w*NotFound(Exception|\.Exception)?: ", r"(\w+\.AlreadyExists(Exception)?|RouteAlreadyExists): "
    ),
    "ecs": Codes(
        r"(\w+NotFoundException: |ClientException: .*(not found|[Uu]nable to describe task definition))",
        r"InvalidParameterException: .*not idempotent",
    ),
    "elasticache": QUERY,
    "elbv2": Codes(QUERY.not_found, r"(Duplicate\w+|PriorityInUse): "),
    "iam": Codes(r"NoSuchEntity(Exception)?: ", r"EntityAlreadyExists(Exception)?: "),
    "rds": QUERY,
    "route53": Codes(r"NoSuch\w+: ", r"(\w+AlreadyExists|ConflictingDomainExists): "),
    # That a setting of a bucket is not set has codes of its own, which say nothing about the bucket.
    "s3": Codes(r"(NoSuchBucket|NoSuchKey|NoSuchUpload|NotFound|404): ", r"BucketAlreadyOwnedByYou: "),
    "scheduler": Codes(USUAL.not_found, r"ConflictException: "),
    "servicediscovery": Codes(r"\w+NotFound: ", r"(\w+AlreadyExists|DuplicateRequest): "),
    "sqs": Codes(
        r"(AWS\.SimpleQueueService\.NonExistentQueue|QueueDoesNotExist): ", r"Queue(AlreadyExists|NameExists): "
    ),
    "wafv2": Codes(r"WAFNonexistentItemException: ", r"WAFDuplicateItemException: "),
}
"""Where a service departs from what most do."""


def is_not_found(error: AwsError) -> bool:
    """Whether AWS says that what the call is about is not there (yet, or any more)."""
    return re.match(_codes(error).not_found, _text(error), re.DOTALL) is not None


def is_deleted(error: AwsError) -> bool:
    """Whether AWS says so to whoever deletes it; EC2 calls the id of some things that are deleted malformed."""
    return is_not_found(error) or (_service(error) == "ec2" and error.code.endswith(".Malformed"))


def already_exists(error: AwsError, codes: Collection[str] = ()) -> bool:
    """Whether AWS says that there is one already: perhaps our own, from a run that was killed.

    Args:
        error: the answer to a creation.
        codes: what else means it for the kind.
    """
    return error.code in codes or re.match(_codes(error).exists, _text(error), re.DOTALL) is not None


def _codes(error: AwsError) -> Codes:
    return SERVICES.get(_service(error), USUAL)


def _service(error: AwsError) -> str:
    return error.operation.partition(".")[0]


def _text(error: AwsError) -> str:
    return f"{error.code}: {error.message}"
