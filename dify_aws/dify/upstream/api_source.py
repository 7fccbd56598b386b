"""API source: the settings, the modes and the migrations of dify-api, read off its Python files and its entrypoint."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from dify_aws.dify.upstream.checkout import Checkout
from dify_aws.dify.upstream.facts import Migration
from dify_aws.dify.upstream.setting_types import names_of, types_in
from dify_aws.dify.variable_types import ValueType

SETTINGS: Final = "api/configs"
AGENT_SETTINGS: Final = "dify-agent/src/dify_agent/server"
ENTRYPOINT: Final = "api/docker/entrypoint.sh"
MIGRATIONS: Final = "api/migrations/versions"

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]+")
_MODE: Final = re.compile(r"\$\{?MODE\b[^\n]*?==\s*\"?(\w+)")


def read_settings(checkout: Checkout) -> tuple[frozenset[str], Mapping[str, ValueType]]:
    """The settings of dify-api, with the types of those of the agent backend.

    Args:
        checkout: where they are. Without the folder there are none, which is no problem.

    Returns:
        Names of the fields of the settings classes, and the types of those that are no free text.
    """
    trees = [_parsed(checkout, path) for path in checkout.names(SETTINGS, "**/*.py")]
    fields = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)]
    own = {each.target.id for each in fields if isinstance(each.target, ast.Name) and _NAME.fullmatch(each.target.id)}
    agent = [_parsed(checkout, path) for path in checkout.names(AGENT_SETTINGS, "*.py")]
    return frozenset(own | {name for each in fields for name in names_of(each)}), types_in((*trees, *agent))


def read_modes(checkout: Checkout) -> frozenset[str]:
    """Values of ``MODE`` that the entrypoint of dify-api tests for. Any other one starts the web server.

    Args:
        checkout: where the entrypoint is; that it is missing is added to its problems.
    """
    return frozenset(_MODE.findall(checkout.text(ENTRYPOINT)))


def read_migrations(checkout: Checkout) -> Mapping[str, Migration]:
    """The migrations of the database, by revision.

    Args:
        checkout: where they are; a file that is no migration is added to its problems.
    """
    paths = [path for path in checkout.names(MIGRATIONS, "*.py") if not path.endswith("/__init__.py")]
    if not paths:
        checkout.problem(MIGRATIONS, None, "has no migrations", "the migrations of dify-api")
    found = {}
    for path in paths:
        tree = _parsed(checkout, path)
        constants = dict(_constants(tree))
        revision = constants.get("revision")
        if not isinstance(revision, str):
            if tree.body:
                checkout.problem(f"{path}: revision", None, "is missing", "the id of the migration")
            continue
        before = constants.get("down_revision")
        parents = (before,) if isinstance(before, str) else tuple(before) if isinstance(before, tuple) else ()
        upgrade = next(
            (each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "upgrade"), None
        )
        body = upgrade.body if upgrade else []
        found[revision] = Migration(
            revision=revision,
            parents=parents,
            place=path,
            drops=tuple(_drops(body, "")),
            statements=sum(_called(node) == "execute" for statement in body for node in ast.walk(statement)),
        )
    return found


def heads(migrations: Mapping[str, Migration]) -> tuple[str, ...]:
    """The revisions that no other one follows; one, unless a merge was forgotten."""
    followed = {parent for migration in migrations.values() for parent in migration.parents}
    return tuple(sorted(migrations.keys() - followed))


def since(migrations: Mapping[str, Migration], revision: str) -> tuple[Migration, ...] | None:
    """The migrations that come after a revision.

    Args:
        migrations: all of a release.
        revision: the newest one of an older release.

    Returns:
        The ones that the older release does not have, parents first; None if the revision is not among them.
    """
    if revision not in migrations:
        return None
    old: set[str] = set()
    waiting = [revision]
    while waiting:
        if (each := waiting.pop()) not in old and each in migrations:
            old.add(each)
            waiting += migrations[each].parents
    return tuple(_in_order({name: each for name, each in migrations.items() if name not in old}))


def _in_order(migrations: Mapping[str, Migration]) -> Iterator[Migration]:
    done: set[str] = set()
    left = dict(migrations)
    while left:
        ready = [each for each in left.values() if not (set(each.parents) & left.keys()) - done]
        for each in ready or [*left.values()]:
            yield each
            done.add(each.revision)
            del left[each.revision]


def _parsed(checkout: Checkout, path: str) -> ast.Module:
    try:
        return ast.parse(checkout.text(path))
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        checkout.problem(f"{path}:{line}", None, f"is no Python: {getattr(error, 'msg', error)}", "a Python file")
        return ast.Module(body=[], type_ignores=[])


def _constants(tree: ast.Module) -> Iterator[tuple[str, object]]:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant | ast.Tuple):
                try:
                    yield target.id, ast.literal_eval(value)
                except ValueError:
                    continue


def _drops(body: list[ast.stmt], table: str) -> Iterator[str]:
    """Tables and columns that are dropped; a batch operation names its table in the line that opens it."""
    for statement in body:
        inner = table
        if isinstance(statement, ast.With):
            opened = [item.context_expr for item in statement.items]
            inner = next((_first(each) for each in opened if _called(each) == "batch_alter_table"), table)
        for node in ast.walk(statement) if not hasattr(statement, "body") else []:
            if _called(node) == "drop_table":
                yield _first(node)
            if _called(node) == "drop_column":
                yield f"{inner or _first(node)}.{_first(node) if inner else _first(node, 1)}"
        for handler in getattr(statement, "handlers", []):
            yield from _drops(handler.body, inner)
        for part in ("body", "orelse", "finalbody"):
            yield from _drops(getattr(statement, part, []), inner)


def _called(node: ast.AST) -> str:
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _first(node: ast.AST, index: int = 0) -> str:
    arguments = node.args if isinstance(node, ast.Call) else []
    value = arguments[index] if len(arguments) > index else None
    return str(value.value) if isinstance(value, ast.Constant) else "?"
