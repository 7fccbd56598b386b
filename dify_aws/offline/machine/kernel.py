"""Kernel: parameters and swap of the model machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.kernel import OwnKernel
from dify_aws.host.steps.swap import PATH, USE, SwapFile
from dify_aws.host.steps.sysctl import Parameters
from dify_aws.offline.machine.ended import Ended, failed
from dify_aws.offline.machine.files import Entry, Options

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine


@dataclass
class Kernel:
    """Its parameters; sizes in bytes of files that were allocated, which of them mkswap has seen, which are in use.

    ``container`` is what kind of container the machine is, if it is one: then its kernel is somebody else's.
    """

    parameters: dict[str, str] = field(
        default_factory=lambda: {"vm.overcommit_memory": "0", "vm.swappiness": "60", "net.core.somaxconn": "4096"}
    )
    allocated: dict[str, int] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    container: str = ""


def _own_kernel(machine: Machine, fact: OwnKernel) -> Answer:
    container = machine.kernel.container
    return Answer(container.encode(), 0 if container else 1)


def _parameters(machine: Machine, fact: Parameters) -> Answer:
    known = machine.kernel.parameters
    return Answer("".join(f"{name} = {known[name]}\n" for name in fact.names if name in known).encode())


def _swap_file(machine: Machine, fact: SwapFile) -> Answer:
    kernel, entry = machine.kernel, machine.files.get(PATH)
    lines = [f"memory={machine.memory_mib << 10}"]
    if entry:
        kind = "directory" if entry.kind == "directory" else "regular file"
        lines.append(f"file={kind}|{kernel.allocated.get(PATH, 0)}|{entry.mode:o}")
        lines += ["made=yes"] * (PATH in kernel.made) + ["used=yes"] * (PATH in kernel.used)
    return Answer("\n".join(lines).encode())


def _sysctl(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    options = Options("sysctl")
    options.add_argument("--write", action="store_true", required=True)
    options.add_argument("pair")
    name, _, value = options.parse_args(argv[1:]).pair.partition("=")
    if name not in machine.kernel.parameters:
        return failed(f"sysctl: cannot stat /proc/sys/{name.replace('.', '/')}: No such file or directory", 255)
    if machine.kernel.container:
        return failed(f'sysctl: permission denied on key "{name}"')
    machine.kernel.parameters[name] = value
    return Ended(out=f"{name} = {value}\n".encode())


def _fallocate(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    options = Options("fallocate")
    options.add_argument("--length", required=True)
    options.add_argument("path")
    parsed = options.parse_args(argv[1:])
    size = int(parsed.length.removesuffix("MiB")) << 20
    if size > machine.system.free:
        return failed("fallocate: fallocate failed: No space left on device")
    entry = machine.files.get(parsed.path) or Entry("file", mode=0o644)
    machine.files.put(parsed.path, replace(entry, changed=machine.clock.now()))
    machine.kernel.allocated[parsed.path] = size
    machine.kernel.made.discard(parsed.path)
    return Ended()


def _mkswap(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    if machine.files.get(argv[1]) is None:
        return failed(f"mkswap: cannot open {argv[1]}: No such file or directory")
    if argv[1] in machine.kernel.used:
        return failed(f"mkswap: error: {argv[1]} is mounted; will not make swapspace")
    machine.kernel.made.add(argv[1])
    return Ended()


def _use(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    (path,) = arguments
    if path not in machine.kernel.made:
        return failed(f"swapon: {path}: read swap header failed", 255)
    if machine.kernel.container:
        return failed(f"swapon: {path}: swapon failed: Operation not permitted", 255)
    machine.kernel.used.add(path)
    return Ended()


def _swapoff(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    if argv[1] not in machine.kernel.used:
        return failed(f"swapoff: {argv[1]}: swapoff failed: Invalid argument", 255)
    machine.kernel.used.remove(argv[1])
    return Ended()


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    OwnKernel: _own_kernel,
    Parameters: _parameters,
    SwapFile: _swap_file,
}
COMMANDS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    "fallocate": _fallocate,
    "mkswap": _mkswap,
    "swapoff": _swapoff,
    "sysctl": _sysctl,
}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {USE: _use}
