"""AptRepository: another source of packages, trusted by the fingerprint of its key and by nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.content import Content
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.packages.openpgp import EXPORT, FINGERPRINT, GPG, IMPORT, LIST, primary_keys
from dify_aws.host.script import script
from dify_aws.host.steps.path import AtPath, refused

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
KEYRINGS: Final = "/etc/apt/keyrings"
SOURCES: Final = "/etc/apt/sources.list.d"

# $1: the address of the key; $2: the fingerprint; $3: the folder of keyrings. It lists the keys that were downloaded
# and, after an empty line, has the one that is asked for, if it is among them.
FETCH_KEY: Final = f"""\
{GPG}
mkdir -p -- "$3"
home=$(mktemp -d)
trap 'rm -rf -- "$home"' EXIT
curl --fail --silent --show-error --location --proto =https --retry 3 --connect-timeout 20 --max-time 120 \\
    --output "$home/downloaded" -- "$1"
pgp "$home" {IMPORT} "$home/downloaded" 2>/dev/null || true
pgp "$home" {LIST}
echo
pgp "$home" --armor {EXPORT} "$2" 2>/dev/null
"""

# $1: the keyring; $2: the fingerprint. 40 ms. A question leaves nothing behind. Whose keys gpg sees in a file is not
# all that apt may see there: only a file that is byte for byte what gpg exports is sure to have nothing else.
READ_SCRIPT: Final = f"""\
{GPG}
(. /etc/os-release; printf 'codename:%s\\n' "${{VERSION_CODENAME-}}")
[ -e "$1" ] || exit 0
home=$(mktemp -d)
trap 'rm -rf -- "$home"' EXIT
pgp "$home" {IMPORT} "$1" 2>/dev/null
if pgp "$home" --armor {EXPORT} "$2" 2>/dev/null | cmp --silent -- - "$1"; then echo exact:yes; else echo exact:no; fi
pgp "$home" {LIST} 2>/dev/null
exit 0
"""


@dataclass(frozen=True)
class KeyringState:
    """The primary keys in a file, and how the release of the distribution is called.

    Args:
        codename: of the release, like "jammy".
        fingerprints: of the primary keys that gpg sees in the file.
        exact: whether the file is what gpg exports of the one key, and has nothing besides.
    """

    codename: str
    fingerprints: frozenset[str]
    exact: bool


@dataclass(frozen=True)
class Keyring(Fact[KeyringState]):
    """Whose keys are in this file, is it just this one key, and what is this machine's release?"""

    path: str
    fingerprint: str

    @property
    def name(self) -> str:
        return f"keyring {self.path}"

    @property
    def script(self) -> str:
        return script(READ_SCRIPT, self.path, self.fingerprint)

    def read(self, answer: Answer) -> KeyringState:
        first, _, keys = answer.text.partition("\n")
        exact, _, keys = keys.partition("\n")
        return KeyringState(first.removeprefix("codename:"), primary_keys(keys), exact == "exact:yes")


@dataclass(frozen=True, kw_only=True)
class AptRepository:
    """A repository of packages, whose key is in a file of its own and counts for it alone.

    Args:
        label: what its files are called: small letters, digits and hyphens.
        url: of the repository.
        key_url: of its key, by https.
        fingerprint: of the primary key, 40 hexadecimal digits in capitals. A key with another one is not put in place,
            and what stands beside it in the download is not either.
        component: of the repository.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: that can be no repository.
    """

    label: str
    url: str
    key_url: str
    fingerprint: str
    component: str = "stable"
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not FINGERPRINT.fullmatch(self.fingerprint):
            raise ValueError(f"{self.fingerprint!r} is no fingerprint of 40 hexadecimal digits in capitals")
        if not NAME.fullmatch(self.label) or not self.key_url.startswith("https://"):
            raise ValueError(f"{self.label!r} with its key at {self.key_url!r} can be no repository")

    @property
    def name(self) -> str:
        return f"repository {self.label}"

    @property
    def _key(self) -> str:
        return f"{KEYRINGS}/{self.label}.asc"

    @property
    def _keyring(self) -> Keyring:
        return Keyring(self._key, self.fingerprint)

    @property
    def _source(self) -> str:
        return f"{SOURCES}/{self.label}.sources"

    def facts(self) -> Sequence[Fact[Any]]:
        return (self._keyring, AtPath(self._source))

    def check(self, facts: Facts) -> Sequence[Change]:
        """Whose key is trusted for it, and where it is.

        Raises:
            StepRefused: the machine does not tell its release, or something else is at the place of a file.
        """
        keyring, source = facts[self._keyring], facts[AtPath(self._source)]
        if not keyring.codename:
            raise StepRefused(
                facts.where, "/etc/os-release has no VERSION_CODENAME, so no repository fits this machine."
            )
        if source.kind not in ("file", "nothing"):
            raise refused(facts.where, self._source, "file", source)
        changes = []
        if keyring.fingerprints != {self.fingerprint}:
            changes.append(Change("key", ", ".join(sorted(keyring.fingerprints)) or None, self.fingerprint))
        elif not keyring.exact:
            changes.append(Change("key", f"{self.fingerprint} and something besides", self.fingerprint))
        desired = Content(self._source, self._deb822(keyring.codename).encode())
        if source.data != desired.data:
            before = Content(self._source, source.data) if source.kind == "file" else None
            changes.append(Change("source", before, desired))
        return tuple(changes)

    def _deb822(self, codename: str) -> str:
        """https://manpages.ubuntu.com/manpages/jammy/en/man5/sources.list.5.html"""
        return (
            "# Written by dify_aws: what is changed here by hand is put back.\n"
            f"Types: deb\nURIs: {self.url}\nSuites: {codename}\nComponents: {self.component}\nSigned-By: {self._key}\n"
        )

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Fetch the key, look whose it is, and only then put it in place; the source after it.

        Raises:
            CommandFailed: the key could not be fetched.
            StepRefused: it is the key of somebody else.
        """
        for change in changes:
            if isinstance(change.after, Content):
                host.write(self._source, change.after.data)
            else:
                host.write(self._key, fetch_key(host, self.key_url, self.fingerprint))


def fetch_key(host: Host, url: str, fingerprint: str, *, folder: str = KEYRINGS) -> bytes:
    """The one key with this fingerprint, as gpg writes it; of what was downloaded, no byte is in it.

    Args:
        host: where it is downloaded and read.
        url: of the key, by https; also where it leads to.
        fingerprint: of the primary key, 40 hexadecimal digits in capitals.
        folder: of keyrings, which is made if it is missing.

    Raises:
        CommandFailed: the key could not be fetched.
        StepRefused: it is the key of somebody else, or that of somebody else is with it.
    """
    answer = host.must(
        script(FETCH_KEY, url, fingerprint, folder),
        again=True,
        advice="The key of the repository cannot be fetched. If it is not them, look at the way out of the subnet: "
        "route table, internet or NAT gateway, DNS. Run again when it answers.",
    ).out
    colons, _, key = answer.partition(b"\n\n")
    found = primary_keys(colons.decode(errors="replace"))
    if found != {fingerprint} or not key:
        raise StepRefused(
            host.where,
            f"the key at {url} is not the one that is trusted, and was not put in place.\n"
            f"  trusted: {fingerprint}\n"
            f"  found:   {', '.join(sorted(found)) or 'no key at all'}\n"
            "Somebody may stand between this machine and the repository. If they have announced a new key, this "
            "version of dify_aws is too old.",
        )
    return key
