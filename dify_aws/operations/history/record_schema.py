"""RecordForm: what the text of a record must be before anything in it is believed: others may have written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from dify_aws.errors import DifyAwsError
from dify_aws.foreign_json import parse_json

MOST_BYTES: Final = 1024 * 1024
"""A record of a whole environment has some 30 kB."""

MOST_LEVELS: Final = 16
"""How deep its lists and tables are at the most; ours are 6 deep."""

TEXTS: Final = ("account", "deployment", "region", "verb", "at", "who")
TABLES: Final = ("versions", "settings")


def parse_record(text: str, where: str) -> dict[str, Any]:
    """The values of a record, with ``at`` as a moment with its time zone.

    Args:
        text: as it is stored.
        where: the address of its object, for the error.

    Raises:
        DifyAwsError: it is no record: it names the object, what is wrong, and the way out.
    """
    try:
        value = parse_json(text, most_levels=MOST_LEVELS)
    except json.JSONDecodeError as error:
        raise _refused(where, f"it is no JSON ({type(error).__name__})") from error
    except ValueError as error:
        raise _refused(where, f"it is no JSON that can be read: {error}") from error
    if not isinstance(value, dict):
        raise _refused(where, "it is no table")
    problems = [*_problems(value)]
    if problems:
        raise _refused(where, "; ".join(problems))
    return {**value, "at": datetime.fromisoformat(value["at"])}


def refuse_size(size: int, where: str) -> None:
    """Refuse an object that is too large to be a record, before it is read.

    Raises:
        DifyAwsError: it is.
    """
    if size > MOST_BYTES:
        raise _refused(where, f"it has {size:,} bytes, and no record has more than {MOST_BYTES:,}")


def _problems(value: Mapping[str, Any]) -> list[str]:
    problems = [f"its {name} is no text" for name in TEXTS if not isinstance(value.get(name), str)]
    problems += [f"its {name} is no table" for name in TABLES if not isinstance(value.get(name), dict)]
    if not isinstance(value.get("outputs"), dict | None):
        problems.append("its outputs are no table")
    if not _are_texts(value.get("images", {})):
        problems.append("its images are no table of texts")
    if isinstance(value.get("settings"), dict) and not isinstance(value["settings"].get("env", []), list):
        problems.append("its settings.env is no list of names")
    changes = value.get("changes")
    if not isinstance(changes, list) or not all(_is_change(each) for each in changes):
        problems.append("its changes are no list of verbs and addresses")
    if isinstance(value.get("at"), str) and not _is_moment(value["at"]):
        problems.append("its time is none")
    return problems


def _are_texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _is_change(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("verb"), str) and isinstance(value.get("address"), str)


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _refused(where: str, wrong: str) -> DifyAwsError:
    return DifyAwsError(
        f"{where} is no record of dify_aws: {wrong}. The bucket keeps what was there before: bring the earlier version "
        "back, or delete this one."
    )
