"""Keys: the one that opens the machine, in all the places where it has to be the same, and the machine's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dify_aws.engine.resource import Actual
from dify_aws.host.ssh.host_key import host_keys
from dify_aws.operations.access.host_key import key_block, pinned_key
from dify_aws.operations.diagnosis.checks.check_context import CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, warning, wrong

PERMISSIONS: Final = frozenset({"ec2:DescribeKeyPairs", "ec2:GetConsoleOutput", "secretsmanager:DescribeSecret"})


def ssh_key(context: CheckContext) -> Iterator[Finding]:
    """The secret, the key pair of EC2, and the key that the machine was started with, by their fingerprints.

    The private half is never in a file, so there is no mode (0600) of one to get wrong.
    """
    secret = context.find(context.addresses.private_key)
    pair, host = context.find(context.addresses.key_pair), context.find(context.addresses.host)
    if secret is None or pair is None:
        missing = "the secret with the private key" if secret is None else "the key pair"
        yield wrong("SSH key", f"{missing} is not there", "apply() restores it; a deleted secret, for some days only.")
        return
    ours, theirs = _fingerprint(secret["public_key"]), _fingerprint(pair["public_key"])
    if ours != theirs:
        evidence = f"the secret is {ours}, and the key pair {pair.id} is {theirs}"
        yield wrong("SSH key", evidence, "apply() imports the right one; a machine that runs keeps the one it has.")
    elif host is not None and host["key_name"] != pair.id:
        yield wrong("SSH key", *_started_otherwise(host, pair))
    else:
        yield ok("SSH key", f"{ours} in the secret, the key pair and the instance; its private half is in no file")


def _started_otherwise(host: Actual, pair: Actual) -> tuple[str, str]:
    return (
        f"{host.id} was started with the key pair {host['key_name'] or '(none)'}, and not with {pair.id}",
        "Put our public key into ~ubuntu/.ssh/authorized_keys there, or have apply() make the machine anew: terminate "
        "it first. The data volume stays.",
    )


def host_key(context: CheckContext) -> Iterator[Finding]:
    """The key that is insisted on is the one that the machine told its console."""
    host, secret = context.there(context.addresses.host), context.there(context.addresses.private_key)
    pinned = pinned_key(context.aws, secret.id, host.id)
    if pinned is None:
        yield warning("host key", f"none is pinned for {host.id} yet", "install() pins it, from the console log.")
        return
    fingerprint = _fingerprint(pinned)
    # Without Latest: the log of the boot, which every kind of machine has.
    block = key_block(context.aws.call("ec2.GetConsoleOutput", InstanceId=host.id).get("Output", ""))
    if not block:
        yield ok("host key", f"{fingerprint} is pinned; the console log no longer has any to compare it with")
    elif pinned in block:
        yield ok("host key", f"{fingerprint} is pinned, and the console log has it")
    else:
        evidence = f"{fingerprint} is pinned, and the console log has others"
        remedy = "If the machine was made anew by other means, pin_host_key() with the line of the console log."
        yield wrong("host key", evidence, remedy)


def _fingerprint(line: str) -> str:
    try:
        return host_keys(line)[0].fingerprint
    except ValueError:
        return "no key that we know"
