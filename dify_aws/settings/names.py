"""Names: what was given under a name that is no setting, or in a table where it is none."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from dify_aws.errors import Problem
from dify_aws.settings.rules import did_you_mean
from dify_aws.settings.shown import VARIABLE, shown, shown_name
from dify_aws.settings.toml_file import TableBelow

TABLES: Final = ("env", "images", "tags")


def unknown(name: str, value: object, settings: Collection[str]) -> Problem:
    """That this is no setting."""
    wrong, right = "is no setting", did_you_mean(name[:64], settings)
    if VARIABLE.fullmatch(name):
        right = f"A variable of Dify stands below [env]; {right[0].lower()}{right[1:]}"
    if isinstance(value, Mapping):
        wrong = "is a table, and settings stand one a line"
        right = f"Write settings without a heading; the tables are {', '.join(TABLES)}"
    return Problem(shown_name(name), shown(name, value, settings), wrong, right)


def below_tables(given: Mapping[str, object], settings: Collection[str]) -> Iterator[tuple[str, str]]:
    """Settings that stand after the heading of a table, each with that table.

    TOML takes all lines after ``[tags]`` for tags. A tag called like a setting that is given as well is meant.
    """
    for table in TABLES:
        found = given.get(table)
        if isinstance(found, TableBelow):
            yield from ((table, name) for name in found if name in settings and name not in given)


def misplaced(table: str, name: str, value: object, settings: Collection[str]) -> Problem:
    """That a setting stands after the heading of a table."""
    right = f"Move the line above [{table}]"
    if table == "tags":
        right += f', or write tags = {{{name} = "…"}} on one line if it is to be a tag'
    shown_value = shown("env" if table == "env" else name, value, settings)
    return Problem(f"{table}.{name}", shown_value, f"stands below [{table}], where it is no setting", right)
