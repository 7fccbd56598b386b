"""Compose's reader of .env files, in Python: what stands in double quotes, its escapes, and its variables.

After compose-go, dotenv/parser.go and template/template.go: https://github.com/compose-spec/compose-go/tree/main/dotenv
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0\d{0,3})')
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>[_a-zA-Z][_a-zA-Z0-9]*)|\{(?P<braced>[^}]*)\})")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def read_dotenv(text: str) -> dict[str, str]:
    """The variables of a file whose values are all in double quotes; a value may hold line ends."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        if text[place] in "\n \t":
            place += 1
        elif text[place] == "#":
            place = text.index("\n", place) + 1
        else:
            name = _NAME.match(text, place)
            assert name is not None, f"no name at {text[place : place + 20]!r}"
            assert text[name.end() : name.end() + 2] == '="', f"{name[0]} has no value in double quotes"
            value, place = _quoted(text, name.end() + 2)
            assert text[place] == "\n", f"something stands behind the value of {name[0]}"
            assert name[0] not in found, f"{name[0]} stands twice"
            found[name[0]] = _expanded(_ESCAPE.sub(_unescaped, value))
    return found


def _quoted(text: str, place: int) -> tuple[str, int]:
    """What stands before the next quote that is not escaped, and where it goes on behind that."""
    characters: list[str] = []
    escape = False
    while True:
        character = text[place]
        place += 1
        if character == '"' and not escape:
            return "".join(characters), place
        if character == "\\" and not escape:
            escape = True
            continue
        if escape and character != '"':
            characters.append("\\")
        escape = False
        characters.append(character)


def _unescaped(match: re.Match[str]) -> str:
    kind = match[0][1]
    if kind == "$":
        return "$$"
    if kind == "0":
        return chr(int(match[0][2:] or "0", 8))
    return _PLAIN.get(kind, match[0])


def _expanded(value: str) -> str:
    """``$$`` is a dollar; a variable that is named is nothing here, as in an empty environment."""
    return _VARIABLE.sub(lambda match: "$" if match["escaped"] else "", value)
