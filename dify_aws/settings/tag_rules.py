"""Rules for tags: what every AWS service takes, IAM included."""

import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from dify_aws.settings.rules import Broken
from dify_aws.settings.shown import VARIABLE, brief, shown_name

_TAGS_AT_MOST: Final = 40
_RESERVED: Final = ("aws:", "dify-aws:")
_SECRETS: Final = ("PASSWORD", "SECRET", "TOKEN", "KEY", "CREDENTIALS")


def tags(value: object) -> Mapping[str, str]:
    """Tags that every AWS service takes, IAM included, and that leave ours alone.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    if not isinstance(value, Mapping):
        raise Broken(("is not a table of tags", 'Write one like {team = "search"}, or team=search in a variable'))
    faults = [fault for key, worth in value.items() for fault in _tag(key, worth)]
    if len(value) > _TAGS_AT_MOST:
        faults.append((f"has {len(value)} tags", f"At most {_TAGS_AT_MOST}: AWS allows 50, and some of them are ours"))
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating
    folded = [key.casefold() for key in value if isinstance(key, str)]
    for duplicate in sorted({key for key in folded if folded.count(key) > 1}):
        faults.append((f"has {brief(duplicate)} in upper and lower case", "Keep one: IAM takes them for the same tag"))
    if faults:
        raise Broken(*faults)
    return MappingProxyType(dict(value))


def _tag(key: object, worth: object) -> Iterable[tuple[str, str]]:
    if not isinstance(key, str) or not isinstance(worth, str):
        yield f"has {brief(key)}, which is not text, or not worth a text", "Write key and value as strings"
        return
    called = brief(key)
    if key.casefold().startswith(_RESERVED) or key.casefold() == "name":
        # IAM refuses "name" beside our "Name".
        yield (
            f"has {called}, which is not free",
            "Choose another key: aws: is AWS's, dify-aws: and Name say what is ours, in whatever case",
        )
    if not 1 <= len(key) <= 128:
        yield f"has a key of {len(key)} characters ({brief(key[:20])})", "A key has 1 to 128"
    if len(worth) > 256:
        yield f"has a value of {len(worth)} characters for {called}", "A value has at most 256"
    if key != key.strip() or worth != worth.strip():
        yield f"has spaces around {called} or its value", "Leave them out: some services of AWS keep them, some do not"
    if VARIABLE.fullmatch(key):
        if "_" in key and key.endswith(_SECRETS):
            yield (
                f"has {shown_name(key)}, which looks like a secret of Dify",
                "Write it below [env] or in DIFY_AWS_ENV: everybody in the account reads tags",
            )
        if any(not _is_free(one) for one in worth):
            yield f"has a value that is no tag's for {called}", "Use letters, digits, spaces and _ . : / = + - @"
        return
    if strange := sorted({one for one in key + worth if not _is_free(one)}):
        yield f"has {', '.join(map(repr, strange[:9]))} in {called}", "Use letters, digits, spaces and _ . : / = + - @"


def _is_free(character: str) -> bool:
    category = unicodedata.category(character)
    return character in "_.:/=+-@" or category[0] in "LN" or category == "Zs"
