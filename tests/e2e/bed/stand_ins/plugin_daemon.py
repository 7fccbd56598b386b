"""Stands for dify-plugin-daemon: a health check, and doors that open to who has the key."""

import os
from pathlib import Path

from tests.e2e.bed.stand_ins.container import begin, refuse
from tests.e2e.bed.stand_ins.database import Database, DatabaseFailed
from tests.e2e.bed.stand_ins.service import Reply, Request, serve

NEEDED = "SERVER_KEY SERVER_PORT DIFY_INNER_API_URL DIFY_INNER_API_KEY DB_DATABASE REDIS_HOST REDIS_PASSWORD".split()


def main() -> None:
    """Make its database if there is none, and its folder; then answer."""
    begin(*NEEDED)
    name = os.environ["DB_DATABASE"]
    try:
        server = Database(os.environ.get("DB_DEFAULT_DATABASE", "postgres"))
        if not server.ask("SELECT 1 FROM pg_database WHERE datname = :'name'", name=name):
            server.ask('CREATE DATABASE :"name"', name=name)
        Database(name).ask("SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS plugins (id text)")
    except DatabaseFailed as error:
        refuse(str(error))
    (Path(os.environ["PLUGIN_WORKING_PATH"])).mkdir(parents=True, exist_ok=True)

    def answer(request: Request) -> Reply:
        if request.route == "GET /health/check":
            return Reply({"status": "ok", "version": os.environ["IMAGE"].rpartition(":")[2]})
        if " /e/" in request.route:
            return Reply({"error": f"no plugin is at {request.headers.get('dify-hook-url')}"}, 404)
        if request.headers.get("x-api-key") != os.environ["SERVER_KEY"]:
            return Reply({"message": "unauthorized"}, 401)
        return Reply({"code": 0, "message": "success", "data": []})

    serve(int(os.environ["SERVER_PORT"]), answer)


if __name__ == "__main__":
    main()
