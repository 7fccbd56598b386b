"""SignedPackage: a Debian package that stands in no archive: downloaded, its signature checked, and then installed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import CommandFailed, HostError
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host, Result
from dify_aws.host.packages.openpgp import EXPORT, FINGERPRINT, GPG, IMPORT, LIST, primary_keys
from dify_aws.host.script import script

DOWNLOADS: Final = "/var/cache/dify-aws"

# The lock is for a run whose connection broke: its curl may still be writing. Files that are unlinked first are not
# written into while somebody else reads them.
FETCH: Final = """\
umask 077
mkdir -p -- "$1"
cd -- "$1"
rm -f -- key package.deb signature
exec 9>lock
flock --timeout 300 9
curl --fail --fail-early --silent --show-error --location --proto =https --tlsv1.2 \\
    --connect-timeout 20 --speed-time 60 --speed-limit 1000 --retry 4 --retry-connrefused \\
    --output key "$2" --output package.deb "$3" --output signature "$4"
"""

# $1: the folder; $2: the fingerprint. The signature counts against what gpg exports of that one key, and against
# nothing else that stands in the download or that this machine trusts.
VERIFY: Final = f"""\
{GPG}
cd -- "$1"
rm -f -- imported.gpg keyring.gpg
pgp "$1" {IMPORT} key 2>/dev/null || true
pgp "$1" {LIST}
pgp "$1" --output keyring.gpg {EXPORT} "$2"
gpgv --status-fd 1 --keyring "$1/keyring.gpg" signature package.deb
"""

# apt-get, not dpkg: it waits while another holds the lock, and it finishes what was broken off.
INSTALL: Final = """\
export DEBIAN_FRONTEND=noninteractive
apt-get --quiet --yes --reinstall --no-install-recommends \\
    --option DPkg::Lock::Timeout=600 --option APT::Sandbox::User=root install "$1/package.deb"
"""

# https://curl.se/docs/manpage.html#EXIT
WHY: Final[Mapping[int, str]] = {
    1: "Another run has been downloading it for five minutes. Wait for that to end, and run again.",
    6: "The machine cannot look names up. Look at the DNS settings of the VPC, and run again.",
    7: "The machine cannot reach it. Look at the route table and the security group of its subnet, and run again.",
    22: "It is not there, or nobody may have it. Look whether the address is right.",
    23: "It could not be written: the disk is probably full (df -h /var). Make room, and run again.",
    28: "It took too long. Look at the route table of its subnet, and run again.",
    35: "No TLS connection could be made. Somebody may stand between; look at the time of the machine, too.",
    60: "Its TLS certificate is not accepted. Somebody may stand between; look at the time of the machine, too.",
}

PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+")


class PackageUntrusted(HostError):
    """A downloaded package is not signed by whom it should be. It was not installed, and was deleted."""


@dataclass(frozen=True)
class PackageHere:
    """The word that dpkg has for the package (empty: none), and whether a download lies about."""

    status: str
    left: bool

    @property
    def installed(self) -> bool:
        """Wholly, that is."""
        return self.status == "installed"


@dataclass(frozen=True)
class DownloadedPackage(Fact[PackageHere]):
    """Is this package installed, and is something left of its download? Costs some milliseconds."""

    package: str

    @property
    def name(self) -> str:
        return f"downloaded package {self.package}"

    @property
    def script(self) -> str:
        return (
            f"dpkg-query --show --showformat '${{db:Status-Status}}' {self.package} 2>/dev/null\n"
            f"[ ! -e {DOWNLOADS}/{self.package} ] || echo ' left'\n"
            ":"
        )

    def read(self, answer: Answer) -> PackageHere:
        status, _, left = answer.out.decode().strip("\n").partition(" ")
        if answer.status or not re.fullmatch(r"[a-z-]*", status) or left not in ("", "left"):
            raise ValueError(status)
        return PackageHere(status, left == "left")


@dataclass(frozen=True, kw_only=True)
class SignedPackage:
    """A package from an address of its publisher. One that is installed stays as it is: ``latest`` moves, we do not.

    Args:
        package: its name, as dpkg knows it.
        url: where the package is.
        key_url: where the publisher's key is, in ASCII armour. It need not be trusted; the fingerprint is.
        fingerprint: of the publisher's primary key, 40 hexadecimal digits; spaces do not count.
        signature_url: where the detached signature is; the package's address with ``.sig`` by default.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: this is no fingerprint, or an address is not HTTPS.
    """

    package: str
    url: str
    key_url: str
    fingerprint: str
    signature_url: str = ""
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not PACKAGE.fullmatch(self.package):
            raise ValueError(f"{self.package!r} is no name of a package")
        if not FINGERPRINT.fullmatch(self._fingerprint):
            raise ValueError(f"{self.fingerprint!r} is no fingerprint of a key: that has 40 hexadecimal digits")
        if wrong := [url for url in (self.url, self.key_url, self._signature_url) if not url.startswith("https://")]:
            raise ValueError(f"{wrong[0]!r} is no https:// address")

    @property
    def name(self) -> str:
        return f"package {self.package}"

    @property
    def _fingerprint(self) -> str:
        return self.fingerprint.replace(" ", "").upper()

    @property
    def _signature_url(self) -> str:
        return self.signature_url or f"{self.url}.sig"

    @property
    def _fact(self) -> DownloadedPackage:
        return DownloadedPackage(self.package)

    @property
    def _folder(self) -> str:
        return f"{DOWNLOADS}/{self.package}"

    @property
    def _removal(self) -> str:
        return f"rm -rf -- {self._folder}"

    def facts(self) -> Sequence[Fact[Any]]:
        return (self._fact,)

    def check(self, facts: Facts) -> Sequence[Change]:
        """That it is installed, and that nothing of the way there is left."""
        found = facts[self._fact]
        changes = [] if found.installed else [Change("package", found.status or None, "installed")]
        return (*changes, Change("download", "left over", None)) if found.left else tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Download, verify, install; and take away what was downloaded, whatever came of it.

        Raises:
            PackageUntrusted: the key or the signature is another.
            CommandFailed: it could not be downloaded, or not be installed.
        """
        try:
            if any(change.attribute == "package" for change in changes):
                self._fetch(host)
                self._verify(host)
                self._install(host)
        except (CommandFailed, PackageUntrusted):
            host.run(self._removal, again=True)
            raise
        host.must(self._removal, again=True)

    def _fetch(self, host: Host) -> None:
        result = host.run(script(FETCH, self._folder, self.key_url, self.url, self._signature_url), again=True)
        if not result.ok:
            raise CommandFailed(host.where, result, advice=WHY.get(result.status, "Run again."))

    def _verify(self, host: Host) -> None:
        result = host.run(script(VERIFY, self._folder, self._fingerprint), again=True)
        keys, statuses = primary_keys(result.stdout), _status(result)
        if self._fingerprint not in keys:
            presented = " and ".join(sorted(keys)) or "no key at all"
            raise self._untrusted(host, f"the key of its publisher is another.\n  met:    {presented}")
        signers = {arguments[-1] for keyword, arguments in statuses if keyword == "VALIDSIG"}
        good = any(keyword == "GOODSIG" for keyword, _ in statuses)
        if result.ok and good and signers == {self._fingerprint}:
            return
        bad = {arguments[0] for keyword, arguments in statuses if keyword in ("ERRSIG", "BADSIG") and arguments}
        others = signers or bad
        if any(keyword == "BADSIG" for keyword, _ in statuses):
            wrong = "its signature does not fit: the file is not what was signed."
        else:
            wrong = "its signature is not by that key, or the key is no longer good."
        raise self._untrusted(host, f"{wrong}\n  met:    {' and '.join(sorted(others)) or result.stderr.strip()}")

    def _untrusted(self, host: Host, wrong: str) -> PackageUntrusted:
        return PackageUntrusted(
            host.where,
            f"{self.package} was not installed: {wrong}\n  wished: {self._fingerprint}\nIt came from {self.url}. "
            "Run again, in case it was just being replaced there. If it stays so, somebody may have tampered with it, "
            "or the publisher has a new key: their documentation would say so.",
        )

    def _install(self, host: Host) -> None:
        host.must(
            script(INSTALL, self._folder),
            timeout=1200,
            again=True,
            advice="If the disk is full (df -h /), make room. If dpkg was interrupted, `dpkg --configure -a` says why. "
            "Run again.",
        )


def _status(result: Result) -> list[tuple[str, list[str]]]:
    """What gpgv says for programs: words and their arguments."""
    lines = [line.split() for line in result.stdout.splitlines() if line.startswith("[GNUPG:] ")]
    return [(line[1], line[2:]) for line in lines]
