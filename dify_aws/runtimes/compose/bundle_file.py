"""BundleFile and DataDirectory: what one file, and one directory for data, shall be on the host."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class BundleFile:
    """One file of the bundle.

    Args:
        text: all of it.
        mode: as for chmod.
        owner: user:group, by name or by number.
        secret: whether there is a secret in it, so that nobody shows it.
    """

    text: str = field(repr=False)
    mode: int = 0o644
    owner: str = "root:root"
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class DataDirectory:
    """One directory that a container writes to.

    Args:
        owner: user:group by number, as they are inside the container.
        mode: as for chmod.
        deep: whether all that is in it must be of this owner too, whoever put it there: a restored backup, say.
    """

    owner: str = "0:0"
    mode: int = 0o755
    deep: bool = False
