"""Network: the wire between the guest and its world, in namespaces that only the bed's processes see."""

from tests.e2e.bed.addresses import GATEWAY, MAC, METADATA, RESOLVER
from tests.e2e.bed.command import run

BRIDGE = "subnet"
GUEST_END = "host0"


def lay_out() -> None:
    """Make the subnet in the namespace that we are in, which is new and empty."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
    for address in (RESOLVER, METADATA):
        run("ip", "address", "add", f"{address}/32", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def plug_in(boot: int) -> str:
    """Make a namespace for a boot of the guest, and return its path.

    Each boot has a new one: a kernel that starts knows no bridges and no packet filter rules of the one before.
    """
    name = f"guest{boot}"
    end = f"port{boot}"
    run("ip", "netns", "add", name)
    run("ip", "link", "add", end, "type", "veth", "peer", "name", GUEST_END, "address", MAC, "netns", name)
    run("ip", "link", "set", end, "master", BRIDGE, "up")
    return f"/run/netns/{name}"


def unplug(boot: int) -> None:
    """Take away what :func:`plug_in` made."""
    run("ip", "link", "delete", f"port{boot}")
    run("ip", "netns", "delete", f"guest{boot}")
