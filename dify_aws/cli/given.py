"""Given: the settings as a command gets them, from its flags, the environment variables and a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from dify_aws.errors import SettingsError
from dify_aws.settings import PREFIX, Settings
from dify_aws.settings.toml_file import read_toml

FILE: Final = "settings.toml"
FOLDER: Final = "settings"


def given_settings(
    flags: Mapping[str, str], environ: Mapping[str, str], file: str | None, otherwise: Mapping[str, str]
) -> Settings:
    """A flag counts instead of a variable, and a variable instead of what stands in the file.

    Args:
        flags: the text of each flag, by setting.
        environ: the environment variables; those that begin with DIFY_AWS_ are read.
        file: a TOML file. Without one, ``settings/NAME.toml`` counts if NAME is the environment that a flag or a
            variable names, else ``settings.toml``, if there is such a file.
        otherwise: what counts where nobody says anything.

    Raises:
        SettingsError: for all that is wrong, each with where it stands.
    """
    variables = {name: text for name, text in environ.items() if name.startswith(PREFIX)}
    texts = {**variables, **{_variable(name): text for name, text in flags.items()}}
    where = settings_file(flags, environ, file)
    written = read_toml(where) if where else {}
    below = {name: value for name, value in {**otherwise, **written}.items() if _variable(name) not in texts}
    try:
        return Settings.from_env(texts, **below)
    except SettingsError as error:
        raise SettingsError(
            replace(
                problem,
                wrong=problem.wrong.removesuffix(f" (in {_variable(problem.field)})")
                + _place(problem.field.partition(".")[0], flags, variables, below, where),
            )
            for problem in error.problems
        ) from None


def settings_file(flags: Mapping[str, str], environ: Mapping[str, str], file: str | None) -> str | None:
    """The file that the settings are read from; None if there is none.

    Args:
        flags: the text of each flag, by setting.
        environ: the environment variables.
        file: the one that was named.
    """
    return file or _usual(flags.get("environment") or environ.get(_variable("environment"), ""))


def flag_of(name: str) -> str:
    """The flag of a setting, as in ``--vpc-cidr``."""
    return "--" + name.replace("_", "-")


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _usual(environment: str) -> str | None:
    # The name is somebody's input: it may not lead elsewhere.
    own = [Path(FOLDER, f"{environment}.toml")] if environment.replace("-", "").isalnum() else []
    return next((str(path) for path in (*own, Path(FILE)) if path.is_file()), None)


def _place(
    name: str, flags: Mapping[str, str], variables: Mapping[str, str], below: Mapping[str, Any], file: str | None
) -> str:
    if name in flags:
        return f" (in {flag_of(name)})"
    if _variable(name) in variables:
        return f" (in {_variable(name)})"
    return f" (in {file})" if file and name in below else ""
