"""AptRepository: another source of packages, trusted by the fingerprint of its key and by nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.install.content import Content
from dify_aws.install.errors import StepRefused
from dify_aws.install.fact import Answer, Fact, Facts
from dify_aws.install.host import Host
from dify_aws.install.script import script
from dify_aws.install.steps.path import AtPath, refused

FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
KEYRINGS: Final = "/etc/apt/keyrings"
SOURCES: Final = "/etc/apt/sources.list.d"
DOWNLOAD: Final = f"""\
mkdir -p {KEYRINGS}
curl --fail --silent --show-error --location --proto =https --retry 3 --connect-timeout 20 --max-time 120 -- "$1"
"""
READ_KEYS: Final = "gpg --batch --show-keys --with-colons"

# 15 ms. gpg makes itself a home if there is none, and a question leaves nothing behind.
LOOK: Final = f"""\
(. /etc/os-release; printf 'codename:%s\\n' "${{VERSION_CODENAME-}}")
[ -e "$1" ] || exit 0
home=$(mktemp -d)
trap 'rm -rf -- "$home"' EXIT
{READ_KEYS} --homedir "$home" <"$1" 2>/dev/null
"""


@dataclass(frozen=True)
class KeyringState:
    """The primary keys in a file, and how the release of the distribution is called."""

    codename: str
    fingerprints: frozenset[str]


@dataclass(frozen=True)
class Keyring(Fact[KeyringState]):
    """Whose keys are in this file, and what is this machine's release?"""

    path: str

    @property
    def name(self) -> str:
        return f"keyring {self.path}"

    @property
    def script(self) -> str:
        return script(LOOK, self.path)

    def read(self, answer: Answer) -> KeyringState:
        first, _, keys = answer.text.partition("\n")
        return KeyringState(first.removeprefix("codename:"), primary_keys(keys))


def primary_keys(colons: str) -> frozenset[str]:
    """The fingerprints of the primary keys in what gpg says with colons: the line after each "pub".

    https://github.com/gpg/gnupg/blob/master/doc/DETAILS
    """
    found, primary = set(), False
    for line in colons.splitlines():
        fields = line.split(":")
        if fields[0] in ("pub", "sub"):
            primary = fields[0] == "pub"
        elif fields[0] == "fpr" and primary:
            found.add(fields[9])
    return frozenset(found)


@dataclass(frozen=True, kw_only=True)
class AptRepository:
    """A repository of packages, whose key is in a file of its own and counts for it alone.

    Args:
        label: what its files are called: small letters, digits and hyphens.
        url: of the repository.
        key_url: of its key, by https.
        fingerprint: of the primary key, 40 hexadecimal digits in capitals. A key with another one is not put in place.
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
    def _source(self) -> str:
        return f"{SOURCES}/{self.label}.sources"

    def facts(self) -> Sequence[Fact[Any]]:
        return (Keyring(self._key), AtPath(self._source))

    def check(self, facts: Facts) -> Sequence[Change]:
        """Whose key is trusted for it, and where it is.

        Raises:
            StepRefused: the machine does not tell its release, or something else is at the place of a file.
        """
        keyring, source = facts[Keyring(self._key)], facts[AtPath(self._source)]
        if not keyring.codename:
            raise StepRefused(
                facts.where, "/etc/os-release has no VERSION_CODENAME, so no repository fits this machine."
            )
        if source.kind not in ("file", "nothing"):
            raise refused(facts.where, self._source, "file", source)
        changes = []
        if keyring.fingerprints != {self.fingerprint}:
            changes.append(Change("key", ", ".join(sorted(keyring.fingerprints)) or None, self.fingerprint))
        wished = Content(self._source, self._deb822(keyring.codename).encode())
        if source.data != wished.data:
            before = Content(self._source, source.data) if source.kind == "file" else None
            changes.append(Change("source", before, wished))
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
                host.write(self._key, self._fetched(host))

    def _fetched(self, host: Host) -> bytes:
        key = host.must(
            script(DOWNLOAD, self.key_url),
            again=True,
            advice="The key of the repository cannot be fetched. If it is not them, look at the way out of the subnet: "
            "route table, internet or NAT gateway, DNS. Run again when it answers.",
        ).out
        met = primary_keys(host.run(READ_KEYS, stdin=key, again=True).stdout)
        if met != {self.fingerprint}:
            raise StepRefused(
                host.where,
                f"the key at {self.key_url} is not the one that is trusted, and was not put in place.\n"
                f"  trusted: {self.fingerprint}\n"
                f"  met:     {', '.join(sorted(met)) or 'no key at all'}\n"
                "Somebody may stand between this machine and the repository. If they have announced a new key, this "
                "version of dify_aws is too old.",
            )
        return key
