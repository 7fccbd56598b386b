"""Admin: Dify has its first admin, so the page that would make whoever comes first its owner is closed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from dify_aws.change import Change
from dify_aws.foreign_json import parse_json
from dify_aws.host.errors import CommandFailed
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.runtimes.compose.project import COMPOSE, PROJECT
from dify_aws.secrets import Secret

API: Final = "http://localhost:5001/console/api"
CREATED: Final = "201"
ENDS: Final = "--status-"
"""Stands before the status of each answer."""

State: TypeAlias = Literal["finished", "not started", "unknown"]


@dataclass(frozen=True)
class Setup(Fact[State]):
    """Has somebody become the first admin? Asked inside of the container of api, whose port nobody else reaches."""

    @property
    def name(self) -> str:
        return "setup"

    @property
    def script(self) -> str:
        # A tenth of a second. docker, not Compose, which takes another two.
        return (
            f"api=$(docker ps --quiet --filter label=com.docker.compose.project={PROJECT} "
            "--filter label=com.docker.compose.service=api --filter label=com.docker.compose.oneoff=False "
            "--filter status=running 2>/dev/null | head -n 1)\n"
            f'[ -z "$api" ] || docker exec "$api" curl --silent --max-time 10 {API}/setup 2>/dev/null\n'
            "exit 0"
        )

    def read(self, answer: Answer) -> State:
        try:
            step = parse_json(answer.text)["step"]
        except (ValueError, LookupError, TypeError):
            # No container yet, or one that cannot tell: whoever then sends it something is told why.
            return "unknown"
        return "finished" if step == "finished" else "not started"


@dataclass(frozen=True, kw_only=True)
class Admin:
    """The first admin. Who has been made one before, under whatever name, stays it.

    Args:
        email: of the admin.
        admin_name: at most 30 characters.
        password: at least 8 characters, with a letter and a digit among them.
        init_password: INIT_PASSWORD of the running Dify.
        needs: the steps before it; None is all that stand before it in the list. No step that lets others reach
            Dify should be among them.
    """

    email: str
    admin_name: str
    password: Secret
    init_password: Secret
    needs: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return "first admin"

    def facts(self) -> Sequence[Fact[Any]]:
        return (Setup(),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """That there is one."""
        return () if facts[Setup()] == "finished" else (Change("admin", None, self.email),)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Open the setup with the initial password, and become admin, as one visitor with one cookie."""
        requests = (
            ("init", {"password": self.init_password.reveal()}),
            ("setup", {"email": self.email, "name": self.admin_name, "password": self.password.reveal()}),
        )
        config = "next\n".join("".join(_request(path, payload)) for path, payload in requests)
        result = host.must(
            f"{COMPOSE} exec -T api curl --config -",
            stdin=config.encode(),
            advice="The container of api could not be asked. Look at its log: "
            f"`{COMPOSE} logs --tail 50 api` on the host.",
        )
        answers = result.stdout.split(ENDS)
        statuses = [answer.partition("\n")[0] for answer in answers[1:]]
        # The first is refused when somebody has done the second already; then the next look says so.
        if statuses[-1:] != [CREATED] and "already" not in result.stdout:
            raise CommandFailed(
                host.where,
                result,
                wrong=f"Dify has not made {self.email} its first admin (HTTP status {', '.join(statuses) or 'none'})",
                advice="What it says above is about the settings admin_email and admin_name, or about its database; "
                f"`{COMPOSE} logs --tail 50 api` on the host tells more. Until then nginx is not started, so nobody "
                "else can become admin.",
            )


def _request(path: str, payload: Mapping[str, str]) -> Iterator[str]:
    """One request, as curl reads it from a file: https://curl.se/docs/manpage.html#-K"""
    options = {
        "url": f"{API}/{path}",
        "header": "Content-Type: application/json",
        "data": json.dumps(payload),
        "cookie": "",  # no file of cookies, but keep what comes in, for the next request
        "max-time": "60",
        "write-out": f"{ENDS}%{{http_code}}\\n",
    }
    yield "silent\nshow-error\n"
    for name, value in options.items():
        quoted = value if name == "write-out" else value.replace("\\", "\\\\").replace('"', '\\"')
        yield f'{name} = "{quoted}"\n'
