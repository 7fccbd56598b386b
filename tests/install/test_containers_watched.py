"""The scripts that look at containers, in a real shell, with an engine that says what it is told to say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dify_aws.host.script import script
from dify_aws.runtimes.compose.steps.containers import WATCH
from dify_aws.runtimes.compose.steps.probe import ProbeResult
from tests.support.hosts import LocalHost

# The answer to each further look is in the next file, and the last one holds from then on.
DOCKER = """\
#!/bin/sh
cd {folder}
if [ "$1" != inspect ]; then echo 5d0; exit; fi
read -r look <look
cat "$look"
[ ! -e "$((look + 1))" ] || echo "$((look + 1))" >look
"""


def engine(folder: Path, looks: Sequence[Sequence[str]]) -> LocalHost:
    """A host with such an engine, where nobody sleeps."""
    for number, message in enumerate(looks):
        (folder / str(number)).write_text("\n".join(message) + "\n")
    (folder / "look").write_text("0\n")
    for program, text in (("docker", DOCKER.format(folder=folder)), ("sleep", "#!/bin/sh\n")):
        (folder / program).write_text(text)
        (folder / program).chmod(0o755)
    return LocalHost(folder)


WATCHED = {
    "both are healthy": ([["api running healthy 0", "db running healthy 0"]], True),
    "one becomes healthy": ([["api running starting 0"], ["api created starting 0"], ["api running healthy 0"]], True),
    "another service ended": ([["api running healthy 0", "web exited none 0"]], True),
    "one without a healthcheck falls at once": ([["api running none 0"], ["api restarting none 3"]], False),
    "one without a healthcheck has fallen before": ([["api running none 1"]], False),
    "one ended, and another is on its way": ([["api exited none 0", "db running starting 0"]], False),
    "one is unhealthy, and another is on its way": ([["api running unhealthy 0", "db running starting 0"]], False),
    "one falls again and again, and another is on its way": (
        [["api running none 12", "db running starting 0"]],
        False,
    ),
    "it takes too long": ([["api running starting 0"]], False),
    "none is there": ([["web running healthy 0"]], False),
}


@pytest.mark.parametrize("case", WATCHED, ids=str)
def test_the_host_looks_on_until_there_is_something_to_tell(case: str, tmp_path: Path) -> None:
    """And tells by its status whether that is all that was waited for."""
    looks, up = WATCHED[case]
    host = engine(tmp_path, looks)
    assert host.run(script(WATCH, "1", "api|db"), sudo=False).ok is up


STAYS = {
    "running 0 0": (6, True),
    "running 0 1": (6, True),
    "running 0 2": (1, False),
    "running 3 1": (20, False),
    "running 3 0": (70, True),
    "restarting 4 1": (90, False),
}


@pytest.mark.parametrize("state", STAYS, ids=str)
def test_a_container_stays_up_when_it_has_run_for_some_seconds(state: str, tmp_path: Path) -> None:
    """For a minute, if it has ended by itself before."""
    seconds, stays = STAYS[state]
    began = datetime.now(UTC) - timedelta(seconds=seconds)
    host = engine(tmp_path, [[f"{state} {began:%Y-%m-%dT%H:%M:%S.%f}000Z"]])
    requested = ProbeResult(about="it stays", service="web", question="stays web", answer="^stays$", connect_seconds=0)
    answered = host.ask((requested,))[requested]
    kind, restarts, status = state.split()
    result = "" if stays else f"{kind}; ended {restarts} times, the last with exit status {status}; started "
    assert (answered.ok, answered.output.startswith(result)) == (stays, True)
