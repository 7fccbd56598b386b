"""OpenPGP: one public key out of a download, as GnuPG itself writes it, and the primary keys in GnuPG's listings."""

from __future__ import annotations

import re
from typing import Final

FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}")

# Two programs read one key file differently: apt takes every block that begins with "-----BEGIN", whatever is written
# after that, and does not look at checksums; gpg ignores blocks of another name. So what was downloaded is never what
# is trusted. It is imported into an empty keyring, and only what gpg exports again, of one fingerprint, is used.
# $1 is the home of gpg. No agent is started (it would outlive this), and no options of this machine count.
GPG: Final = """\
pgp() {
    command gpg --homedir "$1" --no-options --batch --quiet --no-autostart --trust-model always \\
        --no-auto-check-trustdb --no-default-keyring --keyring "$1/imported.gpg" "${@:2}"
}
"""

IMPORT: Final = "--import-options import-minimal --import"
"""Words of ``pgp`` that take the keys of a file in: without the signatures of other people."""

LIST: Final = "--list-keys --with-colons"
"""Words of ``pgp`` that list what was taken in; see :func:`primary_keys`."""

EXPORT: Final = "--export-options export-minimal --export"
"""Words of ``pgp`` that write one key, whose fingerprint comes after them."""


def primary_keys(colons: str) -> frozenset[str]:
    """The fingerprints of the primary keys in what gpg lists with colons: the line after each "pub".

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
