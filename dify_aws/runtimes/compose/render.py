"""Render: a template of ours and its values become a text. The same values make the same bytes."""

from __future__ import annotations

import json
import shlex
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from dify_aws.dify.variable_names import name_in, with_names_of

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = "dify_aws.templates"
_ESCAPED: Final = ("\\", '"', "$")


def render(template: str, /, **values: Any) -> str:
    """The text of a template.

    Args:
        template: its path below ``templates/``.
        values: what it speaks of; nothing is known to it besides.

    Raises:
        jinja2.UndefinedError: if it speaks of anything else. A hole in a configuration is an error, never a blank.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    # It takes as long to load as most of the library, and a plan renders nothing.
    from jinja2 import Environment, FunctionLoader, StrictUndefined, pass_context

    # What is rendered is for programs that know no HTML.
    environment = Environment(  # nosec B701
        loader=FunctionLoader(_template),
        undefined=StrictUndefined,
        autoescape=False,  # nothing here is HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(dotenv=dotenv, json=as_json, shell=shlex.quote)  # nosec B604
    environment.filters.update(
        in_release=pass_context(lambda context, name: name_in(context["release"], name)),
        names_of_release=pass_context(lambda context, text: with_names_of(context["release"], text)),
    )
    return environment


def _template(name: str) -> str | None:
    """The text of a template; None if there is none of that name: one template may stand in for another."""
    file = files(TEMPLATES).joinpath(name)
    return file.read_text(encoding="utf-8") if file.is_file() else None


def dotenv(value: str) -> str:
    """A value as ``.env`` has it, so that Compose reads back just this: it interpolates ``$`` even there.

    https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
    """
    for character in _ESCAPED:
        value = value.replace(character, "\\" + character)
    return f'"{value}"'


def as_json(value: object) -> str:
    """A value as JSON, which is YAML too."""
    return json.dumps(value, ensure_ascii=False)
