#!/bin/sh
# Becomes the stand-in of this name.
set -eu
name=$1
shift
export PYTHONPATH=/usr/local/lib/bed PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec python3 -m "tests.e2e.bed.stand_ins.$name" "$@"
