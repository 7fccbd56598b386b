"""Logs: what the library tells of itself, shown where DIFY_AWS_LOG asks for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TextIO

from dify_aws.errors import Problem, SettingsError
from dify_aws.printable import printable
from dify_aws.settings import LOG

LEVELS: Final = ("debug", "info", "warning", "error")
FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@contextmanager
def logs(environ: Mapping[str, str], stream: TextIO) -> Iterator[None]:
    """Show the log of dify_aws on ``stream`` for the length of the block, from the level on that the variable names.

    ``debug`` shows each call to AWS, and each command on the machine with its result, never a secret.

    Raises:
        SettingsError: it names no level.
    """
    level = environ.get(LOG, "warning").strip().lower()
    if level not in LEVELS:
        raise SettingsError([Problem(LOG, level, "is no level", f"Choose one of {', '.join(LEVELS)}")])
    logger, handler = logging.getLogger("dify_aws"), logging.StreamHandler(stream)
    handler.setFormatter(_Printable(FORMAT))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Printable(logging.Formatter):
    """A record as text that a terminal does not take for orders, with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))
