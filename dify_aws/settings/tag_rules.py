"""Rules for tags: what every AWS service takes, IAM included."""

import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from dify_aws.settings.rules import Broken

_TAGS_AT_MOST: Final = 40


def tags(value: object) -> Mapping[str, str]:
    """Tags that every AWS service takes, IAM included, and that leave ours alone.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    if not isinstance(value, Mapping):
        raise Broken(("is not a table of tags", 'Write one like {team = "search"}, or team=search in a variable'))
    faults = [fault for key, worth in value.items() for fault in _tag(key, worth)]
    if len(value) > _TAGS_AT_MOST:
        faults.append((f"has {len(value)} tags", f"At most {_TAGS_AT_MOST}: AWS allows 50, and some of them are ours"))
    folded = [key.lower() for key in value if isinstance(key, str)]
    for twin in sorted({key for key in folded if folded.count(key) > 1}):
        faults.append((f'has "{twin}" in upper and lower case', "Keep one: IAM takes them for the same tag"))
    if faults:
        raise Broken(*faults)
    return MappingProxyType(dict(value))


def _tag(key: object, worth: object) -> Iterable[tuple[str, str]]:
    if not isinstance(key, str) or not isinstance(worth, str):
        yield f"has {key!r} = {worth!r}, which is not text", "Write key and value as strings"
        return
    if key.lower().startswith(("aws:", "dify-aws:")) or key == "Name":
        yield (
            f'has "{key}", which is not free',
            "Choose another key: aws: is AWS's, dify-aws: and Name say what is ours",
        )
    if not 1 <= len(key) <= 128:
        yield f'has a key of {len(key)} characters ("{key[:20]}")', "A key has 1 to 128"
    if len(worth) > 256:
        yield f'has a value of {len(worth)} characters for "{key}"', "A value has at most 256"
    if strange := sorted({one for one in key + worth if not _is_free(one)}):
        yield f'has {", ".join(map(repr, strange))} in "{key}"', "Use letters, digits, spaces and _ . : / = + - @"


def _is_free(character: str) -> bool:
    return character in "_.:/=+-@" or unicodedata.category(character)[0] in "LNZ"
