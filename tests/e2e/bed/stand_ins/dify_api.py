"""Stands for dify-api, in the modes that its entry point knows: api, worker, beat, migration and job."""

import os
import sys

from tests.e2e.bed.stand_ins import celery
from tests.e2e.bed.stand_ins.broker import BrokerFailed, broker
from tests.e2e.bed.stand_ins.console import Console
from tests.e2e.bed.stand_ins.container import begin, refuse, say
from tests.e2e.bed.stand_ins.database import Database, DatabaseFailed
from tests.e2e.bed.stand_ins.service import serve

NEEDED = """
    SECRET_KEY DB_HOST DB_PORT DB_USERNAME DB_PASSWORD DB_DATABASE REDIS_HOST REDIS_PASSWORD CELERY_BROKER_URL
    CODE_EXECUTION_API_KEY PLUGIN_DAEMON_KEY INNER_API_KEY_FOR_PLUGIN VECTOR_STORE STORAGE_TYPE
""".split()
TABLES = """
BEGIN;
CREATE TABLE IF NOT EXISTS alembic_version (version_num text PRIMARY KEY);
CREATE TABLE IF NOT EXISTS dify_setups (version text PRIMARY KEY, setup_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS tenants (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (email text PRIMARY KEY, name text NOT NULL, password text NOT NULL);
INSERT INTO alembic_version VALUES (:'version') ON CONFLICT DO NOTHING;
COMMIT;
"""
LOCK, LOCK_SECONDS = "db_upgrade_lock", "60"


def main() -> None:
    """Do what $MODE says; first migrate, where $MIGRATION_ENABLED says so."""
    begin(*NEEDED)
    mode = os.environ.get("MODE", "api")
    database = Database()
    try:
        broker("PING")
        database.ask("SELECT 1")
        if os.environ.get("MIGRATION_ENABLED") == "true":
            _migrate(database)
    except (BrokerFailed, DatabaseFailed) as error:
        refuse(str(error))
    if mode == "migration":
        return
    if mode == "job":
        _job(database, sys.argv[1:])
        return
    if mode == "api":
        serve(int(os.environ.get("DIFY_PORT", "5001")), Console(database).answer)
    elif mode in ("worker", "beat"):
        celery.live(mode)
    else:
        refuse(f"MODE is {mode}")


def _job(database: Database, command: list[str]) -> None:
    # As the entry point of Dify does it: what follows is for flask, and without it there is nothing to do.
    if not command:
        refuse("No command specified for job mode.")
    say(f"Running Flask job command: flask {' '.join(command)}")
    if command[0] != "backfill-plugin-auto-upgrade":
        refuse(f"Error: No such command '{command[0]}'.")
    try:
        database.ask("CREATE TABLE IF NOT EXISTS jobs (name text); INSERT INTO jobs VALUES (:'name')", name=command[0])
    except DatabaseFailed as error:
        refuse(str(error))


def _migrate(database: Database) -> None:
    # As Dify does it: who does not get the lock does not wait, and starts on whatever tables there are.
    if broker("SET", LOCK, "held", "NX", "EX", LOCK_SECONDS) != ["OK"]:
        say("Database migration skipped")
        return
    try:
        say("Starting database migration.")
        database.ask("SET client_min_messages = warning;" + TABLES, version=os.environ["IMAGE"].rpartition(":")[2])
        say("Database migration successful!")
    finally:
        broker("DEL", LOCK)


if __name__ == "__main__":
    main()
