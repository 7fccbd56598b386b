"""Stands for dify-web: the pages that a person sees first."""

import os

from tests.e2e.bed.stand_ins.container import begin
from tests.e2e.bed.stand_ins.service import Reply, Request, serve

PAGES = {"/signin": "Log in to Dify", "/install": "Setting up an admin account", "/apps": "Studio"}


def main() -> None:
    """The page tells, as the real one does, where the browser finds the API."""
    begin("CONSOLE_API_URL", "APP_API_URL")
    api = f"{os.environ['CONSOLE_API_URL']}/console/api"

    def answer(request: Request) -> Reply:
        path = request.route.removeprefix("GET ")
        if path == "/":
            return Reply(status=307, headers={"Location": "/apps"})
        if path not in PAGES:
            return Reply("This page could not be found.", 404)
        return Reply(f'<html><body data-api-prefix="{api}"><title>{PAGES[path]}</title></body></html>\n')

    serve(3000, answer)


if __name__ == "__main__":
    main()
