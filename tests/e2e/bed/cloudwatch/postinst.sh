#!/bin/sh
# The user that the agent has unless its configuration says another. It is not started: it has no configuration.
set -eu
id cwagent >/dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin cwagent
systemctl daemon-reload
