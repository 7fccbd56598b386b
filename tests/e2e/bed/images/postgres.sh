#!/bin/sh
# What a compose file relies on of the entry point of the postgres image.
set -eu
: "${PGDATA:=/var/lib/postgresql/data}" "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"
export PGDATA
case "${1-}" in
'') set -- postgres ;;
-*) set -- postgres "$@" ;;
postgres) ;;
*) exec "$@" ;;
esac
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /run/postgresql
    chown -R postgres "$PGDATA" /run/postgresql
    chmod 700 "$PGDATA"
    exec su -s /bin/sh postgres -c 'exec "$0" "$@"' -- "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD-}" ]; then
        echo "Database is uninitialized and superuser password is not specified" >&2
        exit 1
    fi
    (umask 077 && printf %s "$POSTGRES_PASSWORD" >/tmp/password)
    # shellcheck disable=SC2086 # several words
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        ${POSTGRES_INITDB_ARGS-}
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    in_database() { psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" "$@"; }
    [ "$POSTGRES_DB" = postgres ] || in_database -d postgres -c "CREATE DATABASE \"$POSTGRES_DB\""
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
        *.sql) in_database -d "$POSTGRES_DB" -f "$file" ;;
        *.sh) . "$file" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
shift
exec postgres -c listen_addresses='*' "$@"
