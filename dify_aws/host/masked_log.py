"""MaskedLog: the debug log of a host: each command and its result, with the secrets of the run taken out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from dify_aws.host.host import Result
from dify_aws.host.mask import Mask
from dify_aws.printable import printable
from dify_aws.secrets import Secret

LONGEST: Final = 4000
"""Characters of each stream that are logged: the list of all packages is of no use to anybody."""

log = logging.getLogger(__name__)


class MaskFilter(logging.Filter):
    """Takes secrets out of every record that goes by."""

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the whole message in the place of its parts, masked."""
        record.msg, record.args = self._mask(record.getMessage()), None
        return True


@contextmanager
def masked_log(secrets: Iterable[Secret]) -> Iterator[None]:
    """While this lasts, none of these secrets gets into the log of a host. Several runs may be at work at once."""
    mask = MaskFilter(Mask(secrets))
    log.addFilter(mask)
    try:
        yield
    finally:
        log.removeFilter(mask)


def command(where: str, script: str, size: int) -> None:
    """Log what is about to be run, and how much it is given to read (which may be secret, so never that itself)."""
    log.debug("%s: run, with %d bytes to read: %s", where, size, script)


def result(where: str, ended: Result) -> None:
    """Log what came of it. Of what may hold secrets, only how much it was."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    output = "" if ended.secret else "".join(_stream(name, getattr(ended, name)) for name in ("stdout", "stderr"))
    log.debug("%s: %r%s", where, ended, output)


def _stream(name: str, text: str) -> str:
    text = text.rstrip()
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text)} characters)"
    return f"\n{name}:\n{printable(text)}" if text else ""
