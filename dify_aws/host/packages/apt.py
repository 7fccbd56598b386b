"""Apt: apt-get without questions, with a wait for its locks, and with what to do when it fails."""

from __future__ import annotations

import logging
import re
import shlex
from typing import Final

from dify_aws.host.errors import CommandFailed
from dify_aws.host.host import Host, Result
from dify_aws.host.retrying import retry_on_host
from dify_aws.printable import printable

SECONDS: Final = 1800.0
"""How long one call may take, waiting and downloading included."""

LOCK_SECONDS: Final = 600
"""How long the locks of another program are waited for: unattended upgrades at the first boot take minutes."""

PAUSE_SECONDS: Final = 5

# What apt-get prints where it does not wait by itself.
LOCKED: Final = re.compile(r"^E: Could not get lock|lock was locked by", re.MULTILINE)
LOCK_OWNER: Final = re.compile(r"held by process \d{1,10} \([^)\n]{0,100}\)|locked by .{0,200}?pid \d{1,10}")

COMMAND: Final = (
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    # It would restart services by itself, each after each package.
    "NEEDRESTART_SUSPEND=1",
    "apt-get",
    "--quiet",
    "--yes",
    "--option=Acquire::Retries=3",
    # Else a source that cannot be read is a warning, and the packages from it are old or unknown.
    "--option=APT::Update::Error-Mode=any",
    f"--option=DPkg::Lock::Timeout={LOCK_SECONDS}",
    # A configuration file that somebody has changed stays as it is.
    "--option=Dpkg::Options::=--force-confdef",
    "--option=Dpkg::Options::=--force-confold",
)

ADVICE: Final = (
    (
        r"No space left on device|enough free space",
        "The disk is full: free some of it, or give it a larger root_volume_gib.",
    ),
    (
        r"[Cc]ould not get lock|acquire the dpkg|locked by",
        "Another program has been installing packages for all that time. Let it end, or stop it, and run again.",
    ),
    (
        r"remove is disabled",
        "Packages that are installed are in conflict with these, and nothing of yours is removed unasked. Remove them "
        "by hand (apt-get remove; their data stays), and run again.",
    ),
    (
        r"Conflicting values set for option Signed-By",
        "Another file in /etc/apt/sources.list.d names the same repository with another key. Take one of them away.",
    ),
    (
        r"NO_PUBKEY|is not signed|EXPKEYSIG|BADSIG",
        "A repository is not signed by the key that is trusted for it. Do not bypass that: find out which one it is.",
    ),
    (
        r"Unable to locate package|has no installation candidate",
        "No repository of this machine has that package. Look at /etc/apt/sources.list and /etc/apt/sources.list.d.",
    ),
    (
        r"[Uu]nmet dependencies|held broken packages|Depends:",
        "The packages of this machine do not fit together. Try `sudo apt-get --fix-broken install` there, and look at "
        "`apt-mark showhold`; then run again.",
    ),
    (
        r"Failed to fetch|resolving|[Cc]ould not connect|timed out",
        "A repository cannot be reached. If it has no outage, check the subnet's route to the internet: route table, "
        "internet or NAT gateway, DNS. Run again when it answers.",
    ),
)
"""What a person should do, by the output of apt; the first match counts."""

log = logging.getLogger(__name__)


def apt_get(host: Host, *arguments: str) -> Result:
    """Call apt-get, as root, and wait for any other program that is installing packages.

    Args:
        host: where it is run.
        arguments: of apt-get, besides the options that are the same for all.

    Returns:
        Its result.

    Raises:
        CommandFailed: it failed; with its output and what to do.
    """
    return run_unlocked(host, shlex.join((*COMMAND, *arguments)))


def run_unlocked(host: Host, command: str) -> Result:
    """Run a command of apt or dpkg. apt-get waits for one of its locks by itself, and for the others does not.

    Args:
        host: where it is run, as root.
        command: in bash.

    Returns:
        Its result.

    Raises:
        CommandFailed: as :func:`apt_get`.
    """

    def waiting(result: Result) -> None:
        log.info("%s: waiting for the lock of apt, %s", host.where, _lock_owner(result) or "held by another program")

    result = retry_on_host(
        host,
        lambda: host.run(command, timeout=SECONDS, again=True),
        is_temporary=lambda result: not result.ok and LOCKED.search(result.stderr) is not None,
        tries=1 + LOCK_SECONDS // PAUSE_SECONDS,
        pause_seconds=PAUSE_SECONDS,
        before_pause=waiting,
    )
    if not result.ok:
        output = result.stdout + result.stderr
        advice = next((remedy for pattern, remedy in ADVICE if re.search(pattern, output)), "")
        lock_owner = f" (the lock is {_lock_owner(result)})" if _lock_owner(result) else ""
        raise CommandFailed(host.where, result, wrong=f"{result.ending}{lock_owner}", advice=advice)
    return result


def _lock_owner(result: Result) -> str:
    found = LOCK_OWNER.findall(result.stdout + result.stderr)
    return printable(str(found[-1])) if found else ""
