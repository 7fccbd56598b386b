"""SQL for who owns what in PostgreSQL, and the scripts that carry it into the container of the database."""

from __future__ import annotations

from typing import Final

from dify_aws.runtimes.compose.project import PROJECT

SUPERUSER: Final = "postgres"
"""Reaches PostgreSQL from inside its container alone, by the socket (templates/pg_hba.conf.j2)."""

# Who owns a database may put functions and operators into it that fit better than PostgreSQL's own. What the superuser
# asks there must not find them: https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058
SAFE: Final = "--env 'PGOPTIONS=--search_path=pg_catalog'"

# A statement for each thing in the current database that the first superuser owns, besides what belongs to PostgreSQL
# or to an extension. (REASSIGN OWNED does not do it for that role.) A sequence of a column goes with its table, and so
# do the type of a table's rows and an index.
OWNED: Final = """
SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, :'owner') AS command, 'pg_namespace'::regclass AS catalog, oid
  FROM pg_namespace WHERE nspowner = 10 AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
UNION ALL
SELECT format('ALTER TABLE %I.%I OWNER TO %I', nspname, relname, :'owner'), 'pg_class'::regclass, c.oid
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relowner = 10 AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND nspname !~ '^pg_' AND nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND relkind = 'S')
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, :'owner'), 'pg_proc'::regclass, p.oid
  FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
 WHERE proowner = 10 AND nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL
SELECT format('ALTER TYPE %s OWNER TO %I', t.oid::regtype, :'owner'), 'pg_type'::regclass, t.oid
  FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace LEFT JOIN pg_class c ON c.oid = typrelid
 WHERE typowner = 10 AND (typtype IN ('e', 'd', 'r') OR typtype = 'c' AND relkind = 'c'
                         -- From 17 on it goes with its range, and refuses to go alone.
                         OR typtype = 'm' AND current_setting('server_version_num')::int < 170000)
   AND nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL
SELECT format('ALTER LARGE OBJECT %s OWNER TO %I', oid, :'owner'), 'pg_largeobject'::regclass, oid
  FROM pg_largeobject_metadata WHERE lomowner = 10
"""
# Made of constants: names go in as variables of psql.
OURS: Final = f"""
SELECT command FROM ({OWNED}) AS owned
 WHERE NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = owned.catalog AND d.objid = owned.oid AND d.deptype = 'e')
"""  # nosec B608

ROLE: Final = """
SELECT 'role', rolname, coalesce(rolpassword, ''),
       rolcanlogin AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
  FROM pg_authid WHERE rolname = :'owner';
SELECT 'database', datname, pg_get_userbyid(datdba),
       EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)
  FROM pg_database WHERE datname = :'database';
"""
HOLDS: Final = f"""
SELECT 'others', current_database(), count(*) FROM ({OURS}) AS others;
SELECT 'extension', current_database(), extname FROM pg_extension;
"""  # nosec B608

# $@: a database and its owner, in turn. Nothing is said where PostgreSQL does not run.
READ_SCRIPT: Final = f"""\
at=$(docker ps --quiet --filter label=com.docker.compose.project={PROJECT} --filter status=running \\
    --filter label=com.docker.compose.service=db_postgres --filter label=com.docker.compose.oneoff=False 2>/dev/null |
    head -n 1)
[ -n "$at" ] || exit 0
ask() {{
    docker exec --interactive {SAFE} "$at" psql --username={SUPERUSER} -XAtq --dbname="$1" --set=database="$2" \\
        --set=owner="$3" 2>/dev/null
}}
while [ "$#" -gt 1 ]; do
    ask {SUPERUSER} "$1" "$2" <<'END'
{ROLE}END
    ask "$1" "$1" "$2" <<'END'
{HOLDS}END
    shift 2
done
exit 0
"""

# $1: how long it may take. The statements come by standard input, and no password is in them.
APPLY: Final = f"""\
at=$(docker ps --quiet --filter label=com.docker.compose.project={PROJECT} --filter status=running \\
    --filter label=com.docker.compose.service=db_postgres --filter label=com.docker.compose.oneoff=False | head -n 1)
[ -n "$at" ] || {{ echo 'the container of db_postgres does not run' >&2; exit 1; }}
timeout "$1" docker exec --interactive {SAFE} "$at" \\
    psql --username={SUPERUSER} --dbname={SUPERUSER} -XAtq --set=ON_ERROR_STOP=1 --file=-
"""
