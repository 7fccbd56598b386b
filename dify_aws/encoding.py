"""Encoding: text for a stream whose encoding may not have all of its characters (LANG=C, a Windows console, cp932).

Python's own answer is a UnicodeEncodeError, in the middle of a run. Here a character that the stream cannot show is
written as an escape (``\\u2713``), so that nothing is lost and nothing fails.
"""

from __future__ import annotations

import json
from typing import Any, TextIO, cast


def encodable(stream: TextIO) -> TextIO:
    """The same stream, which takes any text.

    Args:
        stream: where text is written to.

    Returns:
        The stream itself where it has all characters; else one around it.
    """
    return cast(TextIO, _Escaping(stream)) if _lacks_characters(stream) else stream


def encodable_json(document: str, stream: TextIO) -> str:
    """A JSON document in ASCII where the stream lacks characters: an escape of another kind would be no JSON."""
    return json.dumps(json.loads(document), indent=2) if _lacks_characters(stream) else document


def _lacks_characters(stream: TextIO) -> bool:
    # A stream in memory has no encoding, and takes everything.
    return not (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith(("utf", "cp65001"))


class _Escaping:
    """A stream around another, with escapes for what that one lacks. The other, which is not ours, stays as it is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        encoding = self._stream.encoding
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
