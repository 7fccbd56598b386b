"""DatabaseRoles: each program logs in to PostgreSQL as a role that owns its own database and is no superuser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.script import script
from dify_aws.runtimes.compose.database.scram import verifier, verifies
from dify_aws.runtimes.compose.database.sql import APPLY, OURS, READ_SCRIPT, SUPERUSER
from dify_aws.secrets import Secret

SECONDS: Final = 900
"""For all of it: to change the owner of a table takes no time, but waits for who is using it."""


@dataclass(frozen=True, kw_only=True)
class DatabaseOwner:
    """A database, and the role of the program that it is for.

    Args:
        database: its name; it is made if it is missing.
        role: its owner, who can log in and is nothing else.
        password: of the role, of ASCII.
        extensions: what has to be there, and only a superuser may make.
    """

    database: str
    role: str
    password: Secret
    extensions: Sequence[str] = ()


@dataclass(frozen=True)
class DatabaseState:
    """One database as it is. ``others`` is how many things in it still belong to the superuser."""

    plain: bool = False
    stored: str = field(default="", repr=False)
    owner: str | None = None
    public: bool = True
    others: int | None = None
    extensions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DatabaseOwners(Fact[Mapping[str, DatabaseState]]):
    """Who owns these databases, and may they do more than that? 0.2 s; nothing where PostgreSQL does not run."""

    wanted: tuple[tuple[str, str], ...]

    @property
    def secret(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return "database owners"

    @property
    def script(self) -> str:
        return script(READ_SCRIPT, *(argument for pair in self.wanted for argument in pair))

    def read(self, answer: Answer) -> Mapping[str, DatabaseState]:
        rows = [line.split("|") for line in answer.text.splitlines()]
        roles = {row[1]: row[2:] for row in rows if row[0] == "role"}
        owners = {row[1]: row[2:] for row in rows if row[0] == "database"}
        others = {row[1]: int(row[2]) for row in rows if row[0] == "others"}
        found = {}
        for database, role in self.wanted:
            stored, plain = roles.get(role, ("", "f"))
            owner, public = owners.get(database, (None, "t"))
            extensions = frozenset(row[2] for row in rows if row[0] == "extension" and row[1] == database)
            found[database] = DatabaseState(
                plain == "t", stored, owner, public == "t", others.get(database), extensions
            )
        return found


@dataclass(frozen=True, kw_only=True)
class DatabaseRoles:
    """Each database belongs to its program's role, with all that is in it. PostgreSQL runs (say so in ``needs``).

    An earlier version of this library let every program be the superuser. What that made is moved over: its owner is
    changed, and no row. The superuser's password stays as it is, and counts from nowhere.

    Args:
        owners: the databases and their roles.
        needs: the steps before it; None is all that stand before it in the list.
    """

    owners: Sequence[DatabaseOwner]
    needs: Sequence[str] | None = None

    name = "database roles"

    @property
    def _fact(self) -> DatabaseOwners:
        return DatabaseOwners(tuple((each.database, each.role) for each in self.owners))

    def facts(self) -> Sequence[Fact[Any]]:
        return (self._fact,)

    def check(self, facts: Facts) -> Sequence[Change]:
        """What of each database is not as wished, by its name."""
        found = facts[self._fact]
        return tuple(change for each in self.owners for change in _changes(each, found[each.database]))

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """All of it at once: what is so already is left so, and each database is moved wholly or not at all.

        Raises:
            CommandFailed: PostgreSQL does not run, or has refused; with its words.
        """
        host.must(
            script(APPLY, str(SECONDS)),
            stdin="".join(_statements(self.owners)).encode(),
            timeout=SECONDS + 60,
            again=True,
            advice="What PostgreSQL says above is to be mended. If somebody has a table open for long, `SELECT * FROM "
            "pg_stat_activity` in the container of db_postgres tells who. Then run again.",
        )


def _changes(wanted: DatabaseOwner, found: DatabaseState) -> Iterator[Change]:
    if not found.plain:
        yield Change(f"role {wanted.role}", "another or none", "may log in, and nothing else")
    elif not verifies(found.stored, wanted.password):
        yield Change(f"password of {wanted.role}", "another", "as in the secret")
    if found.owner != wanted.role:
        yield Change(f"owner of {wanted.database}", found.owner, wanted.role)
    if found.public:
        yield Change(f"access to {wanted.database}", "everybody", wanted.role)
    if found.others:
        yield Change(f"what {SUPERUSER} owns in {wanted.database}", found.others, 0)
    for extension in wanted.extensions:
        if extension not in found.extensions:
            yield Change(f"extension {extension} in {wanted.database}", None, "there")


def _statements(owners: Sequence[DatabaseOwner]) -> Iterator[str]:
    """SQL for psql. Names are quoted as values and let PostgreSQL's own format() quote them as names."""
    for each in owners:
        yield f"\\set owner {_quoted(each.role)}\n\\set database {_quoted(each.database)}\n"
        yield f"\\set verifier {_quoted(verifier(each.password))}\n"
        yield (
            "SELECT format('CREATE ROLE %I', :'owner') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner')"
            "\n\\gexec\n"
            'ALTER ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS\n'
            "  PASSWORD :'verifier';\n"
            "SELECT format('CREATE DATABASE %I', :'database')\n"
            " WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')\n\\gexec\n"
            'ALTER DATABASE :"database" OWNER TO :"owner";\nREVOKE ALL ON DATABASE :"database" FROM PUBLIC;\n'
            '\\connect :"database"\n'
        )
        for extension in each.extensions:
            yield (
                f"\\set extension {_quoted(extension)}\n"
                + 'CREATE EXTENSION IF NOT EXISTS :"extension" SCHEMA public;\n'
            )
        yield f"BEGIN;\n{OURS}\\gexec\nCOMMIT;\n\\connect {SUPERUSER}\n"


def _quoted(text: str) -> str:
    """A value as psql's \\set reads it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
