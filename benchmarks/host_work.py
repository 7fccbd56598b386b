"""HostWork: when the machine itself was busy with packages, images and containers, as the machine tells it.

An installer that knows nothing better than to wait for apt is as fast as apt. To see what it takes itself, this notes
in the guest when apt-get, docker pull, and Compose begin and end, and when a container is created and healthy.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.e2e.bed.bed import Bed

LOG: Final = "/var/log/bench"
KINDS: Final = ("apt", "pull", "containers")

# Where the PATH of sudo has them first. What is counted is what changes something; a question is the installer's own.
WRAPPER: Final = """\
#!/bin/sh
kind=
case "$(basename "$0") $*" in
    apt-get*) kind=apt ;;
    docker\\ pull\\ *) kind=pull ;;
    docker\\ compose\\ *\\ up\\ *|docker\\ compose\\ *\\ run\\ *|docker\\ compose\\ *\\ stop\\ *) kind=containers ;;
esac
[ -n "$kind" ] || exec "/usr/bin/$(basename "$0")" "$@"
began=$(date +%s.%N)
"/usr/bin/$(basename "$0")" "$@"
status=$?
echo "$kind $began $(date +%s.%N)" >>/var/log/bench/work
exit $status
"""

# Once Docker is there, and again when it was restarted.
EVENTS: Final = """\
while true; do
    /usr/bin/docker events --filter type=container --filter event=create --filter event=start \\
        --filter event=health_status --format '{{.TimeNano}} {{.Action}} {{.Actor.ID}}' >>/var/log/bench/events 2>&-
    sleep 0.1
done
"""


@dataclass(frozen=True, order=True)
class Span:
    """From when to when, in seconds since 1970."""

    began: float
    ended: float


def watch(bed: Bed) -> None:
    """Note what the machine does from now on, until it is rebooted."""
    for program in ("sbin/apt-get", "sbin/docker"):
        bed.write(f"/usr/local/{program}", WRAPPER, 0o755)
    bed.write("/usr/local/sbin/bench-events", f"#!/bin/sh\n{EVENTS}", 0o755)
    bed.inside(f"mkdir -p {LOG}; touch {LOG}/work {LOG}/events; systemd-run --quiet bench-events")


class HostWork:
    """What a machine that is watched did while this lasted. Use it as a context manager.

    Attributes:
        seconds: how long it lasted.
    """

    seconds: float

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self._spans: dict[str, tuple[Span, ...]] = {}

    def __enter__(self) -> HostWork:
        self._began = time.time()
        return self

    def __exit__(self, *_: object) -> None:
        ended = time.time()
        self.seconds = ended - self._began
        told = [line.split() for line in self._bed.inside(f"cat {LOG}/work").splitlines()]
        spans = [(kind, Span(float(began), float(end))) for kind, began, end in told]
        events = self._bed.inside(f"cat {LOG}/events").splitlines()
        spans += [("containers", span) for span in _starts(events)]
        within = [
            (kind, Span(max(span.began, self._began), min(span.ended, ended)))
            for kind, span in spans
            if span.ended > self._began and span.began < ended
        ]
        self._spans = {kind: tuple(span for other, span in within if other == kind) for kind in KINDS}

    def busy(self, *kinds: str) -> float:
        """Seconds in which it was at one or more of these."""
        return union(span for kind in kinds for span in self._spans[kind])

    @property
    def overhead(self) -> float:
        """Seconds in which it was at none of them."""
        return self.seconds - self.busy(*KINDS)


def union(spans: Iterable[Span]) -> float:
    """Seconds that are in one of the spans at least."""
    total, until = 0.0, float("-inf")
    for span in sorted(spans):
        total += max(0.0, span.ended - max(span.began, until))
        until = max(until, span.ended)
    return total


def _starts(events: Iterable[str]) -> Iterator[Span]:
    """From the creation of each container until it was first healthy; until it ran, if it is never asked."""
    created: dict[str, float] = {}
    up: dict[str, float] = {}
    healthy: set[str] = set()
    for line in events:
        nanoseconds, *action, container = line.split()
        moment = float(nanoseconds) / 1e9
        if action == ["create"]:
            created[container] = moment
        elif action == ["start"]:
            up.setdefault(container, moment)
        elif action[-1] == "healthy" and container not in healthy:
            healthy.add(container)
            up[container] = moment
    for container, moment in created.items():
        if container in up:
            yield Span(moment, up[container])
