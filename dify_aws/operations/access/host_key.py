"""The host key of an instance: read where only AWS and the machine could write it, then pinned, and strict for ever."""

from __future__ import annotations

import re
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list, tag_map
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.errors import AwsError, DifyAwsError
from dify_aws.host.ssh.host_key import FirstUse, host_keys

TAG_HOST_KEY: Final = "dify-aws:host-key"
"""On the secret with the private key: which key this instance showed. It is no secret, but nobody may change it who may
not change secrets; and a secret of its own would cost half a dollar a month."""

KEYS_BEGIN: Final = "-----BEGIN SSH HOST KEY KEYS-----"
KEYS_END: Final = "-----END SSH HOST KEY KEYS-----"
"""What cloud-init tells the console, when it has made the keys of a new machine.
https://cloudinit.readthedocs.io/en/latest/reference/modules.html#keys-to-console"""

KEY: Final = re.compile(r"\b((?:ssh|ecdsa)-[\w-]{1,40}) ([A-Za-z0-9+/]+=*)")
CONSOLE_SECONDS: Final = 90.0

PERMISSIONS: Final = frozenset({"ec2:GetConsoleOutput"})
"""Every IAM action beside those of the secret that carries the pin."""

PREFERRED: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256")
"""Keys short enough for a tag (256 characters), the better one first; every Ubuntu image makes both."""


def host_key(aws: Aws, secret: str, instance_id: str) -> str | FirstUse:
    """The key to insist on: the pinned one; else that of the console log, which is pinned; else the first that is met.

    A machine that has just been started tells its keys to the console after half a minute or so, and needs that long
    anyway until it lets anybody in: that is waited for.

    Args:
        secret: the name of the secret with our SSH key, which carries the pin.

    Raises:
        AwsError: AWS could not be asked.
    """
    if pinned := pinned_key(aws, secret, instance_id):
        return pinned
    fingerprint = aws.retries.until(lambda: _from_console(aws, instance_id), CONSOLE_SECONDS)
    if fingerprint:
        pin(aws, secret, instance_id, fingerprint)
        return fingerprint

    def remember(line: str) -> str | None:
        # Somebody else may have met it in the meantime; what was pinned first counts.
        if earlier := pinned_key(aws, secret, instance_id):
            return earlier
        pin(aws, secret, instance_id, line)
        return None

    return FirstUse(remember)


def pinned_key(aws: Aws, secret: str, instance_id: str) -> str | None:
    """The key that was pinned for this instance; None if none was, or for another instance.

    Raises:
        DifyAwsError: the tag that holds it was edited, and is no key any more.
    """
    tags = tag_map(aws.call("secretsmanager.DescribeSecret", SecretId=secret).get("Tags"))
    whose, _, line = tags.get(TAG_HOST_KEY, "").partition(" ")
    if whose != instance_id or not line:
        return None
    try:
        return host_keys(line)[0].line
    except ValueError as error:
        raise DifyAwsError(
            f"the tag {TAG_HOST_KEY} of the secret {secret} was edited, and holds no host key any more: {error}. "
            "Compare the key of the machine with its system log (EC2 console: Actions, Monitor and troubleshoot, Get "
            "system log), and pin it anew: deployment.pin_host_key()."
        ) from error


def pin(aws: Aws, secret: str, instance_id: str, line: str) -> str:
    """Insist on this key from now on; its fingerprint.

    Raises:
        ValueError: it is no host key.
    """
    key = host_keys(line)[0]
    aws.call("secretsmanager.TagResource", SecretId=secret, Tags=tag_list({TAG_HOST_KEY: f"{instance_id} {key.line}"}))
    return key.fingerprint


def _from_console(aws: Aws, instance_id: str) -> str | None:
    """The line of the best key in the console log."""
    try:
        answer = aws.call("ec2.GetConsoleOutput", InstanceId=instance_id, Latest=True)
    except AwsError as error:
        # Machines that are not built on Nitro have only the log of their last boot.
        if error.code != "UnsupportedOperation":
            raise
        answer = aws.call("ec2.GetConsoleOutput", InstanceId=instance_id)
    # botocore has decoded it. The last block counts: a machine that was made into an image keeps the log of the first.
    with reading(instance_id, "find the host key in its console log"):
        fingerprint = console_keys(answer.get("Output", ""))
    for kind in PREFERRED:
        try:
            return host_keys(f"{kind} {fingerprint[kind]}")[0].line
        except (KeyError, ValueError):
            continue  # not there, or a line of the kernel got into it
    return None


def console_keys(output: str) -> dict[str, str]:
    """The host keys in the last whole block of a console log, by kind."""
    return dict(KEY.findall(key_block(output)))


def key_block(output: str) -> str:
    """The last whole block of host keys in a console log, "" if there is none. Linear time, whatever the log holds."""
    before, end, _ = output.rpartition(KEYS_END)
    _, begin, block = before.rpartition(KEYS_BEGIN)
    return block.strip() if begin and end else ""
