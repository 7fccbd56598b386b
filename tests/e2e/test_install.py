"""The whole installation on a real machine: once, again, after changes, and after what breaks."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest

from dify_aws import Deployment, Settings, offline
from dify_aws.host.report import Outcome, Report
from dify_aws.offline.world import World
from dify_aws.operations.credentials import dify_secrets
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.troubles import cut_at
from tests.e2e.connectivity import BedDeployment

SETTINGS = Settings(environment="dev", admin_email="admin@example.com", storage="local")
CONTAINERS = "docker ps --all --filter label=com.docker.compose.project=dify --format '{{.Names}} {{.ID}}' | sort"
STARTED = "docker inspect --format '{{.Name}} {{.State.StartedAt}}' $(docker ps --quiet) | sort"
UNITS = "docker amazon-cloudwatch-agent dify-metrics.timer systemd-journald ssh"
RESTARTED = f"systemctl show --property ActiveEnterTimestamp {UNITS}"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with offline() as world:
        yield world


@pytest.fixture(scope="module")
def dify(world: World, bed: Bed) -> BedDeployment:
    return BedDeployment(world, bed, SETTINGS)


@pytest.fixture(scope="module")
def first(dify: BedDeployment) -> Report:
    """The report of the first installation; every test builds on it."""
    return dify.install(probe=True)


@pytest.fixture(scope="module")
def secrets(dify: BedDeployment, first: Report) -> DifySecrets:
    return dify_secrets.read(dify.deployment.aws, dify.outputs.secrets["application"])


def test_it_answers(bed: Bed, first: Report) -> None:
    """From outside, through nginx: the API, the login page, and nobody can become the first admin any more."""
    assert first
    assert not first.named("failed", "not tried")
    assert json.loads(bed.get("/console/api/ping")[1]) == {"result": "pong"}
    assert json.loads(bed.get("/console/api/setup")[1])["step"] == "finished"
    assert bed.get("/signin")[0] == 200


def test_the_model_machine_does_the_same(world: World, first: Report) -> None:
    """Step by step: on the machine of the offline world the same is found amiss and done, and in the end it is so."""
    rehearsal = Deployment(SETTINGS.replace(environment="rehearsal"), session=world.session)
    rehearsal.apply()
    model = rehearsal.install()
    assert {outcome.step: shown(outcome) for outcome in model} == {outcome.step: shown(outcome) for outcome in first}


def shown(outcome: Outcome) -> tuple[str, tuple[str, ...]]:
    """What came of a step, and what of it was not as wished."""
    return outcome.state, tuple(change.attribute for change in outcome.changes)


def test_again_nothing_is_changed(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """Nothing is done, nothing restarted, and it takes few round trips."""
    before = bed.inside(STARTED), bed.inside(RESTARTED)
    again = dify.install()
    assert not again
    assert {outcome.state for outcome in again} == {"already so"}
    assert again.round_trips <= 3
    assert (bed.inside(STARTED), bed.inside(RESTARTED)) == before


def test_a_dry_run_changes_nothing(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """It tells what would be changed, as a diff in which no secret shows, and leaves every file alone."""
    sums = "find /opt/dify /etc/docker /etc/systemd/system -type f -exec sha256sum {} + | sort"
    before = bed.inside(sums), bed.inside(STARTED)
    report = dify.install(dry_run=True, settings=SETTINGS.replace(env={"UPLOAD_FILE_SIZE_LIMIT": "50"}))
    assert report.named("would change") == ("file /opt/dify/.env",)
    assert "UPLOAD_FILE_SIZE_LIMIT" in str(report)
    assert (bed.inside(sums), bed.inside(STARTED)) == before


def test_only_what_reads_a_changed_setting_restarts(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """A variable of Dify's own makes its containers anew, and no other."""
    before = dict(line.split() for line in bed.inside(CONTAINERS).splitlines())
    dify.install(settings=SETTINGS.replace(env={"UPLOAD_FILE_SIZE_LIMIT": "50"}))
    after = dict(line.split() for line in bed.inside(CONTAINERS).splitlines())
    anew = {name.removeprefix("dify-").removesuffix("-1") for name in after if after[name] != before.get(name)}
    assert anew == {"api", "worker", "worker_beat"}
    assert bed.get("/console/api/ping")[0] == 200  # nginx looks the name up again
    assert dify.install()  # and back
    assert not dify.install()


def test_what_was_changed_by_hand_is_put_back(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """A file, its mode, a stopped container, a unit that is off."""
    bed.inside(
        "echo '# mine' >>/opt/dify/nginx/nginx.conf; chmod 644 /opt/dify/.env; docker stop dify-web-1;"
        "systemctl disable --now dify-metrics.timer"
    )
    report = dify.install()
    assert set(report.named("done")) >= {
        "file /opt/dify/nginx/nginx.conf",
        "file /opt/dify/.env",
        "service dify-metrics.timer",
    }
    assert bed.inside("stat -c %a /opt/dify/.env").strip() == "600"
    assert bed.get("/signin")[0] == 200
    assert not dify.install()


PSQL = "docker exec --interactive dify-db_postgres-1 psql -U postgres -XAtq -v ON_ERROR_STOP=1"
# What users and programs make in a database, of every kind, as the superuser that all of them once were.
MADE = """
    CREATE SCHEMA app;
    CREATE TYPE app.mood AS ENUM ('good', 'bad');
    CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);
    CREATE TYPE app.pair AS (a int, b int);
    CREATE TYPE app.span AS RANGE (subtype = int);
    CREATE TABLE app.notes (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, mood app.mood, v vector);
    INSERT INTO app.notes (mood, v) VALUES ('good', '[1,2]'), ('bad', '[3,4]');
    CREATE TABLE app.parts (k int) PARTITION BY RANGE (k);
    CREATE TABLE app.part PARTITION OF app.parts FOR VALUES FROM (0) TO (10);
    CREATE VIEW app.seen AS SELECT * FROM app.notes;
    CREATE MATERIALIZED VIEW app.kept AS SELECT * FROM app.notes;
    CREATE SEQUENCE app."odd "" name";
    CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
    CREATE PROCEDURE app.nothing() LANGUAGE sql AS 'SELECT 1';
    CREATE AGGREGATE app.total(int) (sfunc = int4pl, stype = int, initcond = '0');
    SELECT lo_from_bytea(4711, 'large');
    -- An attacker's, which fits better than PostgreSQL's own where somebody looks for it here first.
    CREATE FUNCTION public.format(text, name, name, text) RETURNS text LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
"""
# All that belongs to the superuser in this database and to no extension, by another way than the installer's.
OTHERS = """
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE pg_get_userbyid(relowner) = 'postgres' AND nspname IN ('app', 'public')
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')
    UNION ALL SELECT count(*) FROM pg_proc p WHERE pg_get_userbyid(proowner) = 'postgres'
       AND pronamespace IN ('app'::regnamespace, 'public'::regnamespace)
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
    UNION ALL SELECT count(*) FROM pg_type t WHERE pg_get_userbyid(typowner) = 'postgres'
       AND typnamespace IN ('app'::regnamespace, 'public'::regnamespace)
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = t.oid AND deptype = 'e')
       AND NOT EXISTS (SELECT FROM pg_type e JOIN pg_depend ON objid = e.oid AND deptype = 'e' WHERE e.oid = t.typelem)
    UNION ALL SELECT count(*) FROM pg_largeobject_metadata WHERE pg_get_userbyid(lomowner) = 'postgres';
"""
ROWS = "SELECT (SELECT string_agg(email || password, ',') FROM accounts), (SELECT count(*) FROM app.notes)"


def response_to(bed: Bed, sql: str, *, database: str = "dify") -> str:
    """What PostgreSQL answers its superuser, inside of its container."""
    bed.write("/srv/asked.sql", sql)
    return bed.inside(f"{PSQL} -d {database} </srv/asked.sql 2>&1").strip()


def logged_in(bed: Bed, role: str, password: str, database: str) -> str:
    """What comes of a login from another container, which knows this password."""
    log_in = f"PGPASSWORD={password} psql -h db_postgres -U {role} -d {database} -XAtc 'SELECT current_user' 2>&1"
    return bed.inside(f"docker exec dify-plugin_daemon-1 sh -c {shlex.quote(log_in)} || true")


def as_an_earlier_version_left_it(bed: Bed) -> None:
    """Everybody is the superuser, everything is his, and he is let in from every container."""
    for database in ("dify", "dify_plugin"):
        response_to(
            bed,
            f"REASSIGN OWNED BY {database} TO postgres; ALTER DATABASE {database} OWNER TO postgres;"
            f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO PUBLIC; DROP OWNED BY {database};",
            database=database,
        )
    response_to(bed, "DROP ROLE dify; DROP ROLE dify_plugin")
    bed.inside(
        "cd /opt/dify; sed -i '/hba_file/d' postgres/postgresql.conf; rm postgres/pg_hba.conf;"
        'sed -i \'s/^DB_USERNAME=.*/DB_USERNAME="postgres"/; s/^PGVECTOR_USER=.*/PGVECTOR_USER="postgres"/;'
        's/^DB_PLUGIN_USERNAME=.*/DB_PLUGIN_USERNAME="postgres"/\' .env;'
        'sed -i "s/^DB_PLUGIN_PASSWORD=.*/DB_PLUGIN_$(grep ^DB_PASSWORD= .env | cut -c 4-)/" .env;'
        "docker compose --project-directory /opt/dify up --detach --force-recreate --wait db_postgres 2>&1;"
        "docker compose --project-directory /opt/dify up --detach api worker worker_beat plugin_daemon 2>&1;"
        "until curl -sf localhost/console/api/ping; do sleep 0.2; done"
    )


def test_a_machine_of_an_earlier_version_is_moved_over(
    bed: Bed, dify: BedDeployment, secrets: DifySecrets, first: Report
) -> None:
    """By PostgreSQL itself: what the superuser owned is the role's, every row is there, and nobody is locked out. The
    connection breaks in the middle of it."""
    as_an_earlier_version_left_it(bed)
    response_to(bed, MADE)
    rows = response_to(bed, ROWS)
    password = secrets.db_password.reveal()
    assert "@example.com" in rows
    assert logged_in(bed, "postgres", password, "dify") == "postgres\n"
    with cut_at(bed, 5):
        report = dify.install()
    assert {"data services", "database roles", "dify"} <= set(report.named("done"))
    assert response_to(bed, ROWS) == rows
    assert set(response_to(bed, OTHERS).split()) == {"0"}
    assert response_to(bed, "SELECT DISTINCT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'dify'") == "dify"
    assert bed.get("/console/api/ping")[0] == 200
    assert json.loads(bed.get("/console/api/setup")[1])["step"] == "finished"
    response_to(bed, "DROP FUNCTION public.format; DROP SCHEMA app CASCADE; SELECT lo_unlink(4711)")
    assert not dify.install()


def test_no_program_is_a_superuser_and_each_has_its_own_database(bed: Bed, secrets: DifySecrets, first: Report) -> None:
    """With every password that there is, from inside the network of the containers."""
    dify, plugins = secrets.db_password.reveal(), secrets.plugin_db_password.reveal()
    assert logged_in(bed, "dify", dify, "dify") == "dify\n"
    assert logged_in(bed, "dify_plugin", plugins, "dify_plugin") == "dify_plugin\n"
    for role, password, database in (
        ("postgres", dify, "postgres"),
        ("postgres", dify, "dify"),
        ("dify_plugin", plugins, "dify"),
        ("dify_plugin", plugins, "postgres"),
        ("dify", dify, "dify_plugin"),
        ("dify", dify, "template1"),
    ):
        assert "FATAL" in logged_in(bed, role, password, database), (role, database)
    able = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    assert response_to(bed, f"SELECT rolname FROM pg_roles WHERE {able}") == "postgres"
    environment = bed.inside("docker exec dify-plugin_daemon-1 env")
    assert dify not in environment


def test_no_container_puts_a_link_in_the_place_of_a_log(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """As root inside of it. The agent on the machine, which is root too, would send what the link leads to. One that is
    there from before is taken away, and what it leads to is left as it is."""
    logs = {"api": "/app/logs/api.log", "nginx": "/var/log/nginx/access.log"}
    for service, path in logs.items():
        attack = f"rm -f {path}; mv {path} {path}.1; ln -sf /etc/shadow {path}; ln -sfn /etc /app/logs; ls -l {path}"
        bed.inside(f"docker exec --user 0 dify-{service}-1 sh -c '{attack}' 2>&1 || true")
    shadow = bed.inside("stat -c '%a %u:%g %s' /etc/shadow")
    bed.inside("ln -sfn /etc/shadow /data/dify/logs/dify/worker.log")
    report = dify.install()
    assert report.named("done") == ("log /data/dify/logs/dify/worker.log",)
    kinds = bed.inside("stat -c %F /data/dify/logs/dify/*.log /data/dify/logs/nginx/*.log")
    assert set(kinds.splitlines()) <= {"regular file", "regular empty file"}
    assert bed.inside("stat -c '%a %u:%g %s' /etc/shadow") == shadow
    before = int(bed.inside("stat -c %s /data/dify/logs/nginx/access.log"))
    assert bed.get("/signin")[0] == 200
    assert int(bed.inside("stat -c %s /data/dify/logs/nginx/access.log")) > before


def test_what_runs_is_named_by_its_digest(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """As recorded by the first installation: that a tag is another image by now changes nothing of what runs."""
    assert all(digest.startswith("sha256:") for digest in first.images.values())
    running = bed.inside("docker inspect --format '{{.Config.Image}}' $(docker ps --quiet)").split()
    assert {image.partition("@")[::2] for image in running} <= set(first.images.items())
    nginx = next(reference for reference in first.images if reference.startswith("nginx:"))
    bed.inside(
        f"docker tag redis:7.4.9-alpine {nginx};"
        "docker compose --project-directory /opt/dify up --detach --force-recreate --wait nginx 2>&1"
    )
    try:
        assert bed.get("/signin")[0] == 200
        assert not dify.install()
    finally:
        bed.inside(f"docker tag nginx@{first.images[nginx]} {nginx}")


def test_after_a_reboot_it_answers_by_itself(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """Everything comes up again, and the installer finds nothing to do."""
    bed.reboot()
    dify.install()  # waits until the containers are healthy
    assert bed.get("/console/api/ping")[0] == 200
    assert not dify.install()


def test_no_secret_lies_about(bed: Bed, secrets: DifySecrets) -> None:
    """Not in a log, not in a file that others can read, not in the command line of any process."""
    bed.write("/srv/words", "\n".join(value.reveal() for value in secrets.values) + "\n", 0o600)
    found = bed.inside(
        "journalctl --no-pager | grep -cFf /srv/words || true\n"
        "cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -cFf /srv/words || true\n"
        "grep -lFf /srv/words -r /var/log --exclude-dir=journal || true\n"
        "find / /data -xdev -type f -perm /044 -size -1M -exec grep -lFf /srv/words {} + 2>/dev/null || true\n"
        "rm /srv/words"
    )
    assert found.split() == ["0", "0"]
