"""TOML file: settings in a file, one ``name = value`` a line."""

import os
import tomllib
from typing import Any

from dify_aws.errors import Problem, SettingsError


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        SettingsError: naming the file, if it cannot be read or is not TOML.
    """
    where = os.fspath(path)
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        problem = Problem("file", where, f"cannot be read: {error.strerror}", "Give the path of a TOML file")
        raise SettingsError([problem]) from error
    except ValueError as error:  # TOMLDecodeError tells line and column; UnicodeDecodeError is one too
        problem = Problem("file", where, f"is not TOML: {error}", 'Write lines like environment = "dev"')
        raise SettingsError([problem]) from error
