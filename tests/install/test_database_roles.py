"""DatabaseRoles: no program is PostgreSQL's superuser, and a machine of an earlier version is moved over without loss.

On the model machine; tests/e2e/test_database_roles.py asks PostgreSQL itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from dify_aws.host.errors import CommandFailed, InstallFailed
from dify_aws.host.fact import Answer, Facts
from dify_aws.host.report import Report
from dify_aws.offline.machine.dify import TABLES, complaint, database
from dify_aws.offline.machine.engine import of_service
from dify_aws.offline.machine.files import Entry
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.runtimes.compose.database.scram import verifier, verifies
from dify_aws.runtimes.compose.paths import HOME
from dify_aws.runtimes.compose.steps.database_roles import DatabaseOwner, DatabaseOwners, DatabaseRoles
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from tests.support import installed
from tests.support.bundles import SECRETS
from tests.support.hosts import ScriptedHost
from tests.support.model import Killed, fresh

SETTINGS = Settings(environment="dev", admin_email="admin@example.com")
STEP = DatabaseRoles(
    owners=[DatabaseOwner(database="d", role="r", password=Secret("p"), extensions=("vector",))], needs=()
)
STORED = verifier(Secret("p"))
RIGHT = [f"role|r|{STORED}|t", "database|d|r|f", "others|d|0", "extension|d|vector"]


def install(host: ModelHost) -> Report:
    return installed.install(host, SETTINGS)


def of_an_earlier_version() -> Machine:
    """A machine on which everybody was PostgreSQL's superuser, with what was in its database."""
    machine = fresh()
    install(ModelHost(machine))
    known = database(machine) | {"roles": {}, "owners": {}, "closed": False}
    machine.files.put(TABLES, Entry("file", json.dumps(known).encode(), 0o600, "70:70"))
    machine.files.remove(f"{HOME}/postgres/pg_hba.conf")
    for path in ("compose.yaml", ".env", "postgres/postgresql.conf"):
        entry = machine.files.get(f"{HOME}/{path}")
        assert entry
        text = re.sub(r"(USERNAME|PGVECTOR_USER)=.*", r'\1="postgres"', entry.data.decode())
        text = re.sub("DB_PLUGIN_PASSWORD=.*", f'DB_PLUGIN_PASSWORD="{SECRETS.db_password.reveal()}"', text)
        machine.files.put(f"{HOME}/{path}", Entry("file", text.replace("hba_file", "#").encode(), entry.mode))
    for service in ("db_postgres", "api", "worker", "worker_beat", "plugin_daemon"):
        container = of_service(machine, service)
        assert container
        container.configuration = "of the earlier version"
        environment = dict(container.environment)
        if "DB_USERNAME" in environment:
            environment |= {"DB_USERNAME": "postgres", "DB_PASSWORD": SECRETS.db_password.reveal()}
        container.environment = environment
        assert not complaint(machine, service, environment)
    return machine


def test_no_program_is_a_superuser() -> None:
    """Each has a role and a password of its own, and the superuser is let in from nowhere else."""
    machine = fresh()
    install(ModelHost(machine))
    known = database(machine)
    assert known["owners"] == {"dify": "dify", "dify_plugin": "dify_plugin"}
    assert known["closed"]
    assert verifies(known["roles"]["dify"], SECRETS.db_password)
    assert verifies(known["roles"]["dify_plugin"], SECRETS.plugin_db_password)
    for service in ("api", "worker", "worker_beat", "plugin_daemon"):
        container = of_service(machine, service)
        assert container
        assert container.environment["DB_USERNAME"] == container.environment["DB_DATABASE"]
        stolen = {**container.environment, "DB_USERNAME": "postgres", "DB_PASSWORD": SECRETS.db_password.reveal()}
        assert "rejects connection" in complaint(machine, service, stolen)


def test_a_machine_of_an_earlier_version_is_moved_over() -> None:
    """Its admin, its tables and its password are as before, and then there is nothing left to do."""
    machine = of_an_earlier_version()
    before = database(machine)
    report = install(ModelHost(machine))
    assert {"data services", "database roles", "dify"} <= set(report.named("done"))
    assert "migration" in report.named("already so")
    after = database(machine)
    assert {name: after[name] for name in ("password", "release", "admin")} == {
        name: before[name] for name in ("password", "release", "admin")
    }
    assert after["owners"] == {"dify": "dify", "dify_plugin": "dify_plugin"}
    assert not install(ModelHost(machine))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_during_the_move_is_finished_by_the_next(when: str) -> None:
    """At each of its commands, once."""
    machine, killed = of_an_earlier_version(), set[str]()

    def kill(script: str) -> None:
        if script not in killed:
            killed.add(script)
            raise Killed(script)

    for _ in range(60):
        try:
            install(ModelHost(machine, before=kill) if when == "before" else ModelHost(machine, after=kill))
            break
        except Killed:
            continue
    assert len(killed) > 5
    assert database(machine)["owners"] == {"dify": "dify", "dify_plugin": "dify_plugin"}
    assert not install(ModelHost(machine))


def test_without_postgresql_it_is_reported() -> None:
    """Nothing is taken for being as wished."""
    machine = fresh()
    install(ModelHost(machine))
    container = of_service(machine, "db_postgres")
    assert container
    container.state = "exited"
    host = ModelHost(machine)
    changes = STEP.check(host.ask(STEP.facts()))
    assert changes
    with pytest.raises(CommandFailed, match="does not run"):
        STEP.apply(host, changes)


@pytest.mark.parametrize(
    ("position", "line", "message"),
    [
        (0, f"role|r|{STORED}|f", "role r"),
        (0, f"role|r|{verifier(Secret('q'))}|t", "password of r"),
        (0, "role|r||t", "password of r"),
        (0, "role|r|md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|t", "password of r"),
        (1, "database|d|postgres|f", "owner of d"),
        (1, "database|d|r|t", "access to d"),
        (2, "others|d|3", "what postgres owns in d"),
        (3, "extension|d|plpgsql", "extension vector in d"),
        (None, "", "role r, owner of d, access to d, extension vector in d"),
    ],
)
def test_what_is_not_in_its_desired_state(position: int | None, line: str, message: str) -> None:
    """By what PostgreSQL says of it."""
    lines = [*RIGHT]
    if position is not None:
        lines[position] = line
    text = "\n".join(lines if position is not None else [])
    facts = ScriptedHost({"database owners": Answer(text.encode())}).ask(STEP.facts())
    assert ", ".join(change.attribute for change in STEP.check(facts)) == message
    right = ScriptedHost({"database owners": Answer("\n".join(RIGHT).encode())}).ask(STEP.facts())
    assert not STEP.check(right)


def test_no_password_is_in_a_statement_or_shown() -> None:
    """PostgreSQL logs what takes long or fails. It is given a verifier, which leads back to nothing."""
    host = ScriptedHost({})
    replace(STEP, owners=[replace(STEP.owners[0], password=Secret("hunter2"))]).apply(host, ())
    (done,) = host.does
    assert "SCRAM-SHA-256$4096:" in done["stdin"]
    assert "SCRAM" not in done["run"]
    assert "hunter2" not in str(done)
    assert DatabaseOwners((("d", "r"),)).secret
    assert "SCRAM" not in "".join(map(str, STEP.check(host_says(f"role|r|{verifier(Secret('q'))}|t"))))


def host_says(line: str) -> Facts:
    return ScriptedHost({"database owners": Answer(line.encode())}).ask(STEP.facts())


def test_a_verifier_is_that_of_postgresql() -> None:
    """Made by PostgreSQL 15 for the password "secret"; another password has another."""
    made = (
        "SCRAM-SHA-256$4096:d6OYXLMq0TMjufbRDWb6bg==$"
        "FkhXYlc8O8beep8E8NkImNVuehUwIS64nOn0ceBhVVE=:YFiX063JvWmzUwYKsqi7adY6H3c464I81retGjevMyU="
    )
    assert verifies(made, Secret("secret"))
    assert not verifies(made, Secret("Secret"))
    with pytest.raises(ValueError, match="ASCII"):
        verifier(Secret("pässword"))


def test_a_migration_that_postgresql_refuses_is_reported() -> None:
    """A role that somebody has changed by hand is mended before anything uses it."""
    machine = fresh()
    install(ModelHost(machine))
    known = database(machine) | {"roles": {"dify": verifier(Secret("other"))}}
    machine.files.put(TABLES, Entry("file", json.dumps(known).encode(), 0o600, "70:70"))
    try:
        report = install(ModelHost(machine))
    except InstallFailed as failed:
        pytest.fail(str(failed))
    assert "database roles" in report.named("done")
    assert not install(ModelHost(machine))
