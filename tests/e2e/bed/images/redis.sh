#!/bin/sh
# What a compose file relies on of the entry point of the redis image.
set -eu
case "${1-}" in
'' | -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
    shift
    cd /data
    set -- redis-server "$@" --protected-mode no --dir /data
fi
exec "$@"
