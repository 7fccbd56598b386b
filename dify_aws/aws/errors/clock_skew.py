"""Clock skew: a request that AWS refuses because the clock of this machine is wrong.

Each service words it otherwise, and some say only that the signature or the credentials are wrong. The answer itself
carries the time of AWS, so that is compared.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

TOLERATED: Final = timedelta(minutes=4)
"""AWS takes five minutes of difference; fifteen in some services."""

CODES: Final = frozenset(
    {"RequestTimeTooSkewed", "RequestInTheFuture", "InvalidSignatureException", "RequestExpired", "IncompleteSignature"}
)
"""Codes that may speak of the time, beside those of wrong credentials."""

WORDS: Final = re.compile(
    r"(?i)signature expired|signature not yet current|request time and the current time|is now (earlier|later) than"
    r"|request has expired|timestamp must be within"
)

SET_IT: Final = (
    "Set it, and run again. Linux: sudo timedatectl set-ntp true; WSL after a sleep: sudo hwclock -s; "
    "a container has the clock of its host."
)


def advice(code: str, message: str, metadata: Mapping[str, Any], now: datetime | None = None) -> str:
    """What to do about the clock, if it is the cause.

    Args:
        code: AWS's error code.
        message: AWS's message.
        metadata: the ResponseMetadata of the answer, whose Date header is AWS's time.
        now: the time of this machine; the present by default.

    Returns:
        A text that says how wrong the clock is; "" if AWS's answer does not speak of it.
    """
    there = _date(metadata)
    if there is not None:
        difference = (now or datetime.now(UTC)) - there
        if abs(difference) > TOLERATED:
            where = "ahead of" if difference > timedelta(0) else "behind"
            return (
                f"The clock of this machine is {_duration(abs(difference))} {where} AWS's "
                f"({there:%Y-%m-%d %H:%M:%S} UTC). {SET_IT}"
            )
    if code == "RequestTimeTooSkewed" or code == "RequestInTheFuture" or WORDS.search(message):
        return f"The clock of this machine is wrong, or the request was long under way. {SET_IT}"
    return ""


def _date(metadata: Mapping[str, Any]) -> datetime | None:
    headers = metadata.get("HTTPHeaders") or {}
    try:
        date = parsedate_to_datetime(str(headers.get("date")))
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _duration(difference: timedelta) -> str:
    minutes = round(difference.total_seconds() / 60)
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, "d"), (hours, "h"), (minutes % 60, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
