"""Machine: the computer itself is fit for Dify. Nothing of it can be changed from here, so it is fit or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.instance_types import Architecture

RELEASES: Final = ("22.04", "24.04")
"""Of Ubuntu: what Docker's repository and our list of packages have been tried on."""

PROCESSORS: Final[Mapping[Architecture, str]] = {"amd64": "x86_64", "arm64": "aarch64"}
"""What Linux calls the processors that the images of Dify are published for, by the name of their architecture."""

FIRST_FREE_MIB: Final = 6144
"""On the root disk, before the first installation: 4 GiB of swap, 1 GiB of packages, and room for logs."""

LEAST_FREE_MIB: Final = 512
"""On the root disk at any time: with less, apt and the journal fail half way."""

MOST_ASTRAY: Final = 300.0
"""Seconds that the clock may be wrong: AWS takes no request that is older or younger.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

OURS: Final = "docker-proxy"
"""What holds a port for a container."""

# 20 ms, most of it for ss.
SHAPE: Final = """\
(. /etc/os-release; printf 'system=%s %s\\nname=%s\\n' "${ID-}" "${VERSION_ID-}" "${PRETTY_NAME-}")
printf 'processor=%s\\n' "$(uname -m)"
sed -n 's/^MemTotal: *\\([0-9]*\\) kB/memory=\\1/p' /proc/meminfo
printf 'free=%s\\n' "$(df --block-size=1 --output=avail / | tail -n 1)"
if command -v dockerd >/dev/null; then echo docker=yes; fi
printf 'time=%s\\n' "$(date +%s)"
ss -Hltnp | sed 's/^/port=/'
"""


@dataclass(frozen=True)
class ShapeState:
    """The machine as it is. Sizes are in bytes; ``listening`` has who listens, as (port, name of the program)."""

    system: str
    name: str
    processor: str
    memory: int
    free: int
    docker: bool
    time: int
    listening: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Shape(Fact[ShapeState]):
    """What is this machine?"""

    name = "machine"
    script = SHAPE

    def read(self, answer: Answer) -> ShapeState:
        lines = [line.partition("=") for line in answer.text.splitlines()]
        answers = {key: value.strip() for key, _, value in lines}
        return ShapeState(
            system=answers["system"],
            name=answers["name"],
            processor=answers["processor"],
            memory=int(answers["memory"]) * 1024,
            free=int(answers["free"]),
            docker="docker" in answers,
            time=int(answers["time"]),
            listening=tuple(sorted({_listener(value) for key, _, value in lines if key == "port"})),
        )


def _listener(line: str) -> tuple[int, str]:
    """Of a line of ss: LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=165,fd=6))."""
    fields = line.split()
    program = fields[5].split('"')[1] if len(fields) > 5 else "somebody"
    return int(fields[3].rpartition(":")[2]), program


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine that can carry Dify.

    Args:
        memory_mib: MiB that it has at least. Linux keeps a part for itself: 4 GiB show as 3900 MiB.
        processor: what Linux calls its processor, as in :data:`PROCESSORS`.
        ports: those that nobody but Docker may listen on.
        clock: seconds since 1970, to compare the machine's clock with; None: it is not compared.
        needs: the steps before it; None is all that stand before it in the list.
    """

    memory_mib: int = 3584
    processor: str = PROCESSORS["amd64"]
    ports: tuple[int, ...] = (80, 443)
    clock: Callable[[], float] | None = None
    needs: Sequence[str] | None = None

    name = "machine"

    def facts(self) -> Sequence[Fact[Any]]:
        return (Shape(),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Nothing to change, ever.

        Raises:
            StepRefused: it is not fit; with all that is wrong with it.
        """
        found = facts[Shape()]
        if wrong := tuple(self._wrong(found)):
            raise StepRefused(facts.where, "this machine is not fit for Dify:\n" + "\n".join(f"  {it}" for it in wrong))
        return ()

    def _wrong(self, found: ShapeState) -> Iterator[str]:
        if found.system not in [f"ubuntu {release}" for release in RELEASES]:
            yield f"it runs {found.name}; it has to be Ubuntu {' or '.join(RELEASES)} (image_id)."
        if found.processor != self.processor:
            yield f"its processor is {found.processor}; one of the instance_type in the settings is {self.processor}."
        if found.memory >> 20 < self.memory_mib:
            yield (
                f"it has {found.memory >> 20} MiB of memory; this profile needs {self.memory_mib}. "
                "Choose a larger instance_type."
            )
        least = LEAST_FREE_MIB if found.docker else FIRST_FREE_MIB
        if found.free >> 20 < least:
            yield (
                f"its root disk has {found.free >> 20} MiB left; {least} are needed. "
                "Look what fills it (du -xh --max-depth=2 / | sort -h), or give it a larger root_volume_gib."
            )
        if self.clock and abs(astray := found.time - self.clock()) > MOST_ASTRAY:
            yield (
                f"its clock is {abs(astray):.0f} s {'ahead of' if astray > 0 else 'behind'} ours. "
                "Look at timedatectl there, and at the clock here."
            )
        for port, program in found.listening:
            if port in self.ports and program != OURS:
                yield f"port {port} is held by {program}. Stop it, and keep it from starting again at boot."

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Nothing can be done about it from here."""
