"""TOML file: settings in a file, one ``name = value`` a line, and the tables at its end."""

import os
import re
import tomllib
import unicodedata
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from typing import Any, Final

from dify_aws.errors import Problem, SettingsError

LARGEST: Final = 1024 * 1024
"""Bytes. Nobody writes settings as long as that: it is another file."""

# UTF-32 first: its mark begins with that of UTF-16. Notepad and PowerShell write these.
_MARKS: Final = (
    *((BOM_UTF32_LE, "utf-32"), (BOM_UTF32_BE, "utf-32"), (BOM_UTF8, "utf-8-sig")),
    *((BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16")),
)
_TABLE: Final = re.compile(r"^[ \t]*\[[ \t]*(\w+)[ \t]*\]", re.MULTILINE)
_PLACE: Final = re.compile(r"\(at line (\d+), column (\d+)\)")


class TableBelow(dict[str, Any]):
    """A table under a heading like ``[tags]``: every line after it is in it, whether or not that was meant."""


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a TOML file holds.

    Args:
        path: the file, in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    Returns:
        The values by name; a table under a heading of its own is a ``TableBelow``.

    Raises:
        SettingsError: naming the file, if it cannot be read, is in another encoding, or is not TOML.
    """
    where = os.fspath(path)
    written, found = "", dict[str, Any]()
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        wrong, right = f"cannot be read: {error.strerror}", "Give the path of a TOML file"
    except ValueError:
        wrong, right = "is no path of a file", "Give the path of a TOML file"
    else:
        wrong, right = "", ""
        try:
            written = _decoded(content)
            found = tomllib.loads(written)
        except _WrongContent as fault:
            wrong, right = fault.args
        except RecursionError:
            wrong, right = "is not TOML: its values are nested too deep", 'Write lines like environment = "dev"'
        except ValueError as error:  # TOMLDecodeError tells line and column
            wrong, right = f"is not TOML: {_words(error)}", _hint(written, error)
    # Outside the handlers, so that no chained error carries the content of the file about, which may hold secrets.
    if wrong:
        raise SettingsError([Problem("file", where, wrong, right)])
    for name in set(_TABLE.findall(written)) & found.keys():
        if isinstance(found[name], dict):
            found[name] = TableBelow(found[name])
    return found


class _WrongContent(Exception):
    """What a file holds cannot be used: what is wrong, and what would be right."""


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise _WrongContent(f"is larger than {LARGEST} bytes", "Give a file of settings")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content:
        raise _WrongContent("has NUL characters, like UTF-16 without a byte order mark", "Save it as UTF-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        likely = _likely(content) if encoding == "utf-8" else f"damaged {encoding.upper()}"
        raise _WrongContent(
            f"is not in UTF-8: line {line} looks like {likely}", "Save it as UTF-8 (in an editor: Save with Encoding)"
        ) from None
    if "\x1b$" in text or "\x1b(" in text:
        raise _WrongContent("is not in UTF-8: it looks like ISO-2022-JP (JIS)", "Save it as UTF-8")
    return text.replace("\r\n", "\n")


def _likely(content: bytes) -> str:
    """Which encoding it may be instead: Japanese files are often in one of these two.

    Every text in EUC-JP is also one in Shift_JIS, of half-width katakana; the other way round hardly ever.
    """
    for encoding, name in (("euc_jp", "EUC-JP"), ("cp932", "Shift_JIS")):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any(unicodedata.name(one, "").startswith(("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH")) for one in text):
            return name
    return "another encoding (Windows-1252?)"


def _words(error: ValueError) -> str:
    """What tomllib says, without the words of the file that it may quote."""
    place = _PLACE.search(str(error))
    what = "" if place is None else f"something is wrong at line {place[1]}, column {place[2]}"
    if "end of document" in str(error):
        return "it ends in the middle of a value"
    return what or "a number is too long, or a name stands twice"


def _hint(text: str, error: ValueError) -> str:
    """What to write instead, where a character of the line tells what happened to it."""
    place = _PLACE.search(str(error))
    line = text.split("\n")[int(place[1]) - 1] if place else ""
    if strange := [one for one in re.sub(r'"[^"]*"', "", line) if _looks_like_a_sign(one)]:
        name = unicodedata.name(strange[0], "an invisible character")
        return f'Write plain quotes, signs and spaces, as in environment = "dev": the line has {name}'
    return 'Write lines like environment = "dev", texts in quotes, each name once'


def _looks_like_a_sign(character: str) -> bool:
    """What a word processor, a web page or a Japanese keyboard makes of a quote, an equals sign or a space."""
    return not character.isascii() and (
        unicodedata.normalize("NFKC", character) in "\"'=[]{} " or unicodedata.category(character) in ("Cf", "Pf", "Pi")
    )
