"""Date: what time it is for AWS, as its answers tell: the clock of this machine may be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from dify_aws.aws.errors.unexpected_answer import reading


def answered_at(answer: Mapping[str, Any]) -> datetime:
    """When AWS gave this answer, by its own clock (the ``Date`` of HTTP); else now, by this machine's.

    Raises:
        UnexpectedAnswer: there is a date, and it is none.
    """
    with reading("Date", "know what time it is"):
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        return parsedate_to_datetime(date).astimezone(UTC) if date else datetime.now(UTC)
