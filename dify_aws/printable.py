"""Printable: a text of somebody else that may be shown to a person.

Containers, hosts, AWS and whoever may write a tag choose what we show. A terminal takes control characters for orders:
they clear the screen, move the cursor, set the title or the clipboard. Others turn the direction of writing round, so
that a name reads as another one. Here they stand as escapes, so nothing is hidden and nothing is obeyed.
https://unicode.org/reports/tr36/
"""

from __future__ import annotations

import re
from typing import Final

ORDERS: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for the tab and the end of a line
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of writing
    "\u2028\u2029\ufeff"  # ends of lines that not everybody knows, and a mark of byte order
    "\ud800-\udfff"  # halves of characters, which no encoding has
    "]"
)


def printable(text: str) -> str:
    r"""The text with escapes in place of what a terminal, a notebook or a log would obey.

    Args:
        text: anything.

    Returns:
        The same text where there is nothing of that kind in it; one end of line for each of Windows' ("\r\n").

    >>> print(printable("\x1b[2Jgone"))
    \u001b[2Jgone
    """
    # The escapes of JSON, so that a document stays one.
    return ORDERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\r\n", "\n"))
