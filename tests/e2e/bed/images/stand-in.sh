#!/bin/sh
# Stands for an application: 200 on / and on the paths in $ANSWERS, on $PORT.
set -eu
[ "${1-}" = stand-in ] || exec "$@"
mkdir -p /srv/www
echo "$IMAGE" >/srv/www/index.html
for path in $ANSWERS; do
    mkdir -p "/srv/www${path%/*}"
    echo "$IMAGE" >"/srv/www$path"
done
exec httpd -f -p "$PORT" -h /srv/www
