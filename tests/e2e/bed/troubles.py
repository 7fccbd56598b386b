"""Troubles: what can be wrong with the machine itself, as long as a ``with`` lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.bed.bed import Bed

# sshd runs this before each command. The first of the user's processes that it ends is the one that carries it.
CUTTING = """\
echo "$$" >>/run/bed/commands
if [ "$(wc -l </run/bed/commands)" = {number} ]; then
    (sleep {seconds}; pkill -KILL -u {user} -f sshd) >/dev/null 2>&1 </dev/null &
    [ {seconds} != 0 ] || sleep 60
fi
"""


@contextmanager
def full_disk(bed: Bed, path: str) -> Iterator[None]:
    """Not a byte is left on the file system of this path, not even for root."""
    filling = f"{path.rstrip('/')}/.filling"
    # In ever smaller pieces: fallocate takes all that it is asked for, or nothing.
    bed.inside(
        f"size=$((1 << 40)); number=0; while [ $size -ge 1024 ]; do number=$((number + 1));"
        f" fallocate -l $size {filling}.$number 2>/dev/null || {{ rm -f {filling}.$number; size=$((size / 2)); }}; done"
    )
    try:
        yield
    finally:
        bed.inside(f"rm -f {filling}.*")


@contextmanager
def small_memory(bed: Bed, mib: int) -> Iterator[None]:
    """The guest has that much memory, in whatever reads /proc/meminfo."""
    bed.inside(
        f"sed -E 's/^(MemTotal|MemFree|MemAvailable):.*/\\1: {mib << 10} kB/' /proc/meminfo >/run/bed/meminfo;"
        "mount --bind /run/bed/meminfo /proc/meminfo"
    )
    try:
        yield
    finally:
        bed.inside("umount /proc/meminfo")


@contextmanager
def taken_port(bed: Bed, port: int) -> Iterator[None]:
    """Somebody else listens on this port of the guest."""
    serving = "from http.server import *; HTTPServer(('', {}), BaseHTTPRequestHandler).serve_forever()"
    bed.inside(
        f'systemd-run --quiet --collect --unit=taken-{port} python3 -c "{serving.format(port)}";'
        f"until ss -Hltn 'sport = :{port}' | grep -q .; do sleep 0.05; done"
    )
    try:
        yield
    finally:
        bed.inside(f"systemctl stop taken-{port}")


@contextmanager
def cut_at(bed: Bed, number: int, seconds: float = 0) -> Iterator[None]:
    """The connection that carries the ``number``-th command over SSH from now on ends, once.

    Args:
        number: 1 is the next command.
        seconds: how long after the command has begun; 0 is before it has.
    """
    script = CUTTING.format(number=number, seconds=seconds, user=bed.user)
    bed.inside(f"install -m 666 /dev/null /run/bed/commands; cat >/etc/ssh/sshrc <<'END'\n{script}END")
    try:
        yield
    finally:
        bed.inside("rm /etc/ssh/sshrc")
