"""Jobs on the model machine: containers that docker compose run makes of api, for the migration and for a release."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dify_aws.offline.machine.dify import complaint, store
from dify_aws.offline.machine.ended import Ended, NotModelled, failed
from dify_aws.offline.machine.engine import Running
from dify_aws.offline.machine.files import Options
from dify_aws.runtimes.compose.steps.image import tagged
from dify_aws.runtimes.compose.steps.migration import JOB

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine


def run(machine: Machine, services: Mapping[str, Any], arguments: Sequence[str]) -> Ended:
    """docker compose run … api. A job is over as soon as it was begun."""
    options = Options("docker compose run")
    for flag in ("--no-deps", "-T"):
        options.add_argument(flag, action="store_true", required=True)
    for flag in ("--rm", "--detach"):
        options.add_argument(flag, action="store_true")
    options.add_argument("--name", required=True)
    options.add_argument("--env", action="append", default=[])
    options.add_argument("service", choices=["api"])
    options.add_argument("command", nargs="...")
    parsed = options.parse_args(arguments)
    environment = {**services["api"]["environment"], **dict(each.split("=", 1) for each in parsed.env)}
    mode = (environment["MODE"], environment["MIGRATION_ENABLED"])
    if parsed.name in machine.engine.containers:
        return failed(f'Conflict. The container name "/{parsed.name}" is already in use by container "f00"')
    if mode == ("migration", "true") and parsed.name == JOB and parsed.rm and not parsed.detach:
        return _migrate(machine, environment, tagged(services["api"]["image"]))
    if mode == ("job", "false") and parsed.detach and not parsed.rm and parsed.command:
        return _run_job(machine, parsed.name, services["api"], environment, parsed.command)
    raise NotModelled(shlex.join(arguments))


def _migrate(machine: Machine, environment: Mapping[str, str], image: str) -> Ended:
    if wrong := complaint(machine, "api", environment) or machine.dify.migration_fails:
        return failed(wrong)
    if machine.dify.migration_skips:
        machine.dify.migration_skips -= 1
        return Ended(out=b"Database migration skipped\n")
    store(machine, release=image)
    return Ended(out=b"Database migration successful!\n")


def _run_job(
    machine: Machine, name: str, definition: Mapping[str, Any], environment: Mapping[str, str], command: Sequence[str]
) -> Ended:
    wrong = complaint(machine, "api", environment) or machine.dify.job_fails.get(name, "")
    machine.dify.jobs.append((shlex.join(command), 1 if wrong else 0))
    machine.engine.containers[name] = Running(
        service="api",
        configuration="",
        image=definition["image"],
        environment=environment,
        memory_mib=int(definition["mem_limit"].removesuffix("m")),
        watched=False,
        started=machine.clock.now(),
        state="exited",
        one_off=True,
        exit_code=1 if wrong else 0,
        log=f"{wrong or 'done'}\n",
    )
    return Ended(out=b"f00\n")


def _wait(found: Running) -> Ended:
    return Ended(out=f"{found.exit_code}\n".encode())


def _inspect(found: Running) -> Ended:
    return Ended(out=f"{found.state} {found.exit_code} false\n".encode())


def _logs(found: Running) -> Ended:
    return Ended(err=found.log.encode())


QUESTIONS: Final[Mapping[str, tuple[Sequence[str], Callable[[Running], Ended]]]] = {
    "wait": ((), _wait),
    "inspect": (("--format", "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}"), _inspect),
    "logs": (("--tail", "20"), _logs),
}
"""Commands of docker about the container of a job, with their options."""


def command(machine: Machine, verb: str, arguments: Sequence[str]) -> Ended:
    """docker wait, inspect, logs and rm, of one container."""
    *options, name = arguments
    found = machine.engine.containers.get(name)
    if found is None:
        return failed(f"Error response from daemon: No such container: {name}")
    if verb == "rm" and not options and found.state != "running":
        del machine.engine.containers[name]
        return Ended(out=f"{name}\n".encode())
    if verb in QUESTIONS and tuple(options) == tuple(QUESTIONS[verb][0]):
        return QUESTIONS[verb][1](found)
    raise NotModelled(shlex.join(["docker", verb, *arguments]))
