"""BundleFile: what one file shall be on the host."""

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
