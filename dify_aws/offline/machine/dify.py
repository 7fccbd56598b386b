"""Dify on the model machine: dependencies, database, first admin, and probes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from dify_aws.host.fact import Answer, Fact
from dify_aws.offline.machine.ended import Ended, NotModelled, failed
from dify_aws.offline.machine.engine import Running, of_service, runs
from dify_aws.offline.machine.files import Entry
from dify_aws.runtimes.compose.database.scram import verifies
from dify_aws.runtimes.compose.database.sql import APPLY, SUPERUSER
from dify_aws.runtimes.compose.environment import DATABASE
from dify_aws.runtimes.compose.paths import DATA, HOME
from dify_aws.runtimes.compose.steps.admin import Setup
from dify_aws.runtimes.compose.steps.database_roles import DatabaseOwners
from dify_aws.runtimes.compose.steps.probe import ProbeResult
from dify_aws.secrets import Secret

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

TABLES: Final = f"{DATA}/postgres/pgdata"
"""The database of the model is one file where PostgreSQL keeps its own, so it goes with the disk that it is on."""

PASSWORD: Final = re.compile(r"(?=.*[a-zA-Z])(?=.*\d).{8,}")


@dataclass
class Dify:
    """Failures inside of Dify: the error of a migration, and how often a migration is skipped from now on.

    ``job_fails`` has the error of a job by the name of its container, and ``jobs`` the command of each job that was
    run, with how it ended.
    """

    migration_fails: str = ""
    migration_skips: int = 0
    job_fails: dict[str, str] = field(default_factory=dict)
    jobs: list[tuple[str, int]] = field(default_factory=list)


def database(machine: Machine) -> dict[str, Any]:
    """What is in the database: the password it was made with, the release of its tables, the first admin.

    ``roles`` has the verifier of each role that is no superuser, ``owners`` the owner of each database and of all that
    is in it. ``closed`` says that the superuser is not let in from other containers.
    """
    found: dict[str, Any] = json.loads(machine.files.text(TABLES) or "{}")
    return found


def store(machine: Machine, **values: Any) -> None:
    data = json.dumps({**database(machine), **values}).encode()
    machine.files.put(TABLES, Entry("file", data, 0o600, "70:70", machine.clock.now()))


def begun(machine: Machine, service: str, environment: Mapping[str, str]) -> None:
    """A container was started. PostgreSQL sets its password only when it has no data yet."""
    if service != "db_postgres":
        return
    if not database(machine):
        machine.files.make_directories(f"{DATA}/postgres")
        store(machine, password=environment["POSTGRES_PASSWORD"], release="", admin="", roles={}, owners={})
    store(machine, closed=machine.files.get(f"{HOME}/postgres/pg_hba.conf") is not None)


def complaint(machine: Machine, service: str, environment: Mapping[str, str]) -> str:
    """Why a container exits, or an empty text. The reason is a dependency that is missing."""
    if not {"DB_PASSWORD", "REDIS_PASSWORD"} <= environment.keys():
        return ""
    for other in ("db_postgres", "redis"):
        found = of_service(machine, other)
        if found is None or found.state != "running":
            return f"could not connect to {other}: Connection refused"
        if other == "redis" and found.environment["REDISCLI_AUTH"] != environment["REDIS_PASSWORD"]:
            return "WRONGPASS invalid username-password pair"
    return _refused(machine, environment)


def _refused(machine: Machine, environment: Mapping[str, str]) -> str:
    """What PostgreSQL says to who logs in with these variables; nothing, if it lets him in to a database of his own."""
    user, name, known = environment["DB_USERNAME"], environment["DB_DATABASE"], database(machine)
    if user == SUPERUSER:
        if known.get("closed"):
            return f'FATAL: pg_hba.conf rejects connection for host "172.30.0.5", user "{user}", database "{name}"'
        right = known["password"] == environment["DB_PASSWORD"]
    else:
        right = verifies(known.get("roles", {}).get(user, ""), Secret(environment["DB_PASSWORD"]))
    if not right:
        return f'FATAL: password authentication failed for user "{user}"'
    if user != SUPERUSER and known.get("owners", {}).get(name) != user:
        return "ERROR: permission denied for schema public"
    return ""


def _database_owners(machine: Machine, fact: DatabaseOwners) -> Answer:
    if well(machine, "db_postgres") is None:
        return Answer()
    known = database(machine)
    lines = []
    for name, role in fact.wanted:
        if stored := known.get("roles", {}).get(role):
            lines.append(f"role|{role}|{stored}|t")
        owner = known.get("owners", {}).get(name, SUPERUSER)
        lines.append(f"database|{name}|{owner}|{'t' if owner == SUPERUSER else 'f'}")
        # Without a migration there is nothing in it; what the init script makes is in the first of them alone.
        lines.append(f"others|{name}|{7 if owner == SUPERUSER and known['release'] else 0}")
        extensions = ("uuid-ossp", "vector") if name == DATABASE or owner != SUPERUSER else ()
        lines += [f"extension|{name}|{each}" for each in ("plpgsql", *extensions)]
    return Answer("\n".join(lines).encode())


def _own_databases(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    """psql, which is given a role, a database and a verifier, again and again."""
    if well(machine, "db_postgres") is None:
        return failed("the container of db_postgres does not run")
    values = re.findall(r"^\\set (owner|database|verifier) '(.*)'$", stdin.decode(), re.MULTILINE)
    known = database(machine)
    roles, owners = dict(known.get("roles", {})), dict(known.get("owners", {}))
    for (_, owner), (_, name), (_, verifier) in zip(values[0::3], values[1::3], values[2::3], strict=True):
        roles[owner], owners[name] = verifier, owner
    store(machine, roles=roles, owners=owners)
    return Ended()


def ailment(machine: Machine, found: Running) -> str:
    """What is wrong with a started container: an injected failure, or a missing dependency."""
    failure = machine.engine.ails.get(found.service, "")
    return failure or ("ends" if complaint(machine, found.service, found.environment) else "")


def well(machine: Machine, service: str) -> Running | None:
    """The container of a service, if it is running and healthy."""
    found = of_service(machine, service) if runs(machine) else None
    return found if found and found.state == "running" and not ailment(machine, found) else None


def log(machine: Machine, service: str) -> str:
    """The last log lines of the container of a service."""
    found = of_service(machine, service)
    if found is None:
        return ""
    message = complaint(machine, service, found.environment) or machine.engine.ails.get(service, "")
    return f"{service}: {message or 'ready'}\n"


def execute(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    """docker compose exec in the container of api: curl, which reads its requests, and Dify's own command."""
    api = well(machine, "api")
    if api is None:
        return failed('service "api" is not running')
    if list(arguments) == ["-T", "api", "flask", "reset-password"]:
        return _reset_password(machine, stdin.decode())
    if list(arguments) != ["-T", "api", "curl", "--config", "-"]:
        raise NotModelled(shlex.join(arguments))
    out, welcome = "", False
    for part in stdin.decode().split("next\n"):
        request = dict(re.findall(r'^([\w-]+) = "(.*)"$', part, re.MULTILINE))
        path = urlsplit(request["url"]).path
        status, answer = _posted(machine, api, path, json.loads(re.sub(r"\\(.)", r"\1", request["data"])), welcome)
        welcome = welcome or (path.endswith("/init") and status == 201)
        out += json.dumps(answer) + request["write-out"].replace("\\n", "\n").replace("%{http_code}", str(status))
    return Ended(out=out.encode())


def _posted(
    machine: Machine, api: Running, path: str, body: Mapping[str, str], welcome: bool
) -> tuple[int, Mapping[str, str]]:
    """The two requests that create the first admin. ``welcome``: the initial password was told."""
    if database(machine)["admin"]:
        return 403, {"code": "already_setup", "message": "Dify has been successfully installed."}
    if path == "/console/api/init":
        if body["password"] == api.environment["INIT_PASSWORD"]:
            return 201, {"result": "success"}
        return 401, {"code": "init_validate_failed", "message": "Init validation failed."}
    if path != "/console/api/setup":
        raise NotModelled(f"POST {path}")
    if not welcome:
        return 401, {"code": "not_init_validated", "message": "Init validation has not been completed yet."}
    if not PASSWORD.fullmatch(body["password"]):
        return 400, {"code": "invalid_param", "message": "Password must contain letters and numbers."}
    store(machine, admin=body["email"], admin_password=body["password"])
    return 201, {"result": "success"}


def _reset_password(machine: Machine, answers: str) -> Ended:
    """Dify's command reads standard input, and always exits with status 0."""
    prompts = b"Email: New password: Password confirm: "
    if answers.count("\n") < 3:
        return failed("Aborted!")
    email, password, again = answers.splitlines()[:3]
    if password.strip() != again.strip():
        return Ended(out=prompts + b"Passwords do not match.\n")
    if email != database(machine)["admin"]:
        return Ended(out=prompts + f"Account not found for email: {email}\n".encode())
    if not PASSWORD.fullmatch(password):
        return Ended(out=prompts + b"Invalid password. Must match ^(?=.*[a-zA-Z])(?=.*\\d).{8,}$\n")
    store(machine, admin_password=password)
    return Ended(out=prompts + b"Password reset successfully.\n")


def _setup(machine: Machine, fact: Setup) -> Answer:
    if well(machine, "api") is None:
        return Answer()
    if not database(machine)["release"]:
        return Answer(b'{"message": "Internal Server Error", "code": "unknown"}\n')
    return Answer(json.dumps({"step": "finished" if database(machine)["admin"] else "not_started"}).encode())


def _api_response(machine: Machine, fact: ProbeResult) -> Answer:
    """It succeeds if all containers that the request reaches are healthy."""
    needed = {fact.service, *re.findall(r"\binside (\w+)", fact.question)}
    if "--connect-to" in fact.question:
        needed.add("nginx")
    ill = sorted(service for service in needed if well(machine, service) is None)
    if not ill and fact.about == "setup is closed" and '"not_started"' not in fact.answer:
        ill = [] if database(machine)["admin"] else ["api"]
    if not ill:
        return Answer()
    return Answer(f"no answer from {', '.join(ill)}\n\n{log(machine, fact.service)}".encode(), 1)


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    Setup: _setup,
    ProbeResult: _api_response,
    DatabaseOwners: _database_owners,
}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {APPLY: _own_databases}
