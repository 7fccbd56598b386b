"""Database: PostgreSQL, as it is reached with the variables that Dify's containers have."""

import os
import subprocess
from dataclasses import dataclass, field


class DatabaseFailed(Exception):
    """What psql said."""


@dataclass(frozen=True)
class Database:
    """One database. The password is in no argument, where everybody on the machine could read it."""

    name: str = field(default_factory=lambda: os.environ["DB_DATABASE"])

    def ask(self, sql: str, **values: str) -> list[str]:
        """The rows of the answers, their columns parted by "|". A value is written ``:'name'`` in the SQL.

        Raises:
            DatabaseFailed: not reached, not let in, or not understood.
        """
        result = os.environ
        words = ["psql", "-XqAt", "-vON_ERROR_STOP=1", *(f"-v{name}={value}" for name, value in values.items())]
        where = {"PGHOST": result["DB_HOST"], "PGPORT": result["DB_PORT"], "PGDATABASE": self.name}
        who = {"PGUSER": result["DB_USERNAME"], "PGPASSWORD": result["DB_PASSWORD"], "PGCONNECT_TIMEOUT": "5"}
        done = subprocess.run(
            words, input=sql, env={**result, **where, **who}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DatabaseFailed(done.stderr.strip())
        return done.stdout.splitlines()
