"""Numbers: the limits while they are computed, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Numbers: TypeAlias = Mapping[str, int]
"""Those in capitals are Dify's variables, in the unit that Dify reads them in."""
