"""Servers: the files of Debian's programs that the container images of the bed are made of."""

import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.base import source
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.layer import Layer

# The last release with PostgreSQL 15, which is what Dify runs on.
SUITE = "bookworm"
PACKAGES = "bash busybox-static curl libc-bin nginx-light openssl postgresql-15 python3 redis-server squid".split()
# What none of them needs: two thirds of it all, most of that LLVM and Perl.
UNNEEDED = (
    r"usr/share/(man|doc|i18n|locale|info|perl|perl5|lintian|bug|doc-base|icons|applications|debconf|menu|mime)(/|$)"
    r"|usr/share/(bash-completion|python|squid-langpack|X11|zsh)(/|$)"
    r"|usr/lib/x86_64-linux-gnu/(perl|perl5|libLLVM|libz3|gconv|libperl)|usr/lib/squid/(?!unlinkd$)"
    r"|usr/lib/python3(\.11)?/(test|idlelib|lib2to3|tkinter|ensurepip|pydoc_data)/"
    r"|usr/lib/postgresql/15/lib/(bitcode|llvmjit)"
    r"|usr/bin/(perl|localedef|pg_.*wrapper)|(usr/)?s?bin/(pg_|x86_64)"
    r"|var/(lib/dpkg|cache|lib/apt|log|run)(/|$)|etc/(perl|apt|cron|ssl/private)|dev/."
)
TREE = "tree.tar"


@dataclass(frozen=True)
class Servers:
    """PostgreSQL, Redis, nginx, Squid, Python and BusyBox, unpacked and not configured."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache) -> "Servers":
        """Those of the cache, downloaded if there are none."""
        return cls(cache.part("servers", [SUITE, PACKAGES, UNNEEDED], _download))

    def layer(self) -> Layer:
        """All of the files, in a layer of its own for who asks."""
        layer = Layer()
        with tarfile.open(self.folder / TREE) as archive:
            for about in archive:
                content = archive.extractfile(about) if about.isreg() else None
                layer.put(about, content.read() if content else b"")
        return layer


def _download(folder: Path) -> None:
    whole = folder / "whole.tar"
    run("mmdebstrap", "--quiet", "--variant=extract", "--include", ",".join(PACKAGES), SUITE, whole, source(SUITE))
    unneeded = re.compile(UNNEEDED)
    with tarfile.open(whole) as archive, tarfile.open(folder / TREE, "w", format=tarfile.GNU_FORMAT) as kept:
        for about in archive:
            about.name = about.name.removeprefix("./").strip("/")
            if about.name in ("", ".") or unneeded.match(about.name):
                continue
            # Packages of before the merge of / and /usr, unpacked where no merge took place.
            about.name = re.sub(r"^(bin|sbin|lib|lib64)(?=/|$)", r"usr/\1", about.name)
            kept.addfile(about, archive.extractfile(about) if about.isreg() else None)
    whole.unlink()
