"""Presentation: how results show themselves: as JSON for programs, and in a notebook as rich shows them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import ConsoleRenderable


class JsonMixin:
    """For a result with ``to_dict()``: the same as JSON."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        raise NotImplementedError

    def to_json(self, *, indent: int | None = 2) -> str:
        """The same as JSON; the same text for the same result.

        Args:
            indent: spaces per level; None: all in one line.

        Returns:
            A JSON document.
        """
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)


class NotebookMixin:
    """For a result with ``__rich__()``: a notebook shows what a terminal shows. rich is loaded when it is shown."""

    __slots__ = ()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None, **_: Any
    ) -> dict[str, str]:
        from rich.jupyter import JupyterMixin

        shown = JupyterMixin._repr_mimebundle_(cast("ConsoleRenderable", self), (), ())
        # Plain is plain: rich would colour it.
        shown["text/plain"] = str(self)
        wanted = set(include or shown) - set(exclude or ())
        return {kind: text for kind, text in shown.items() if kind in wanted}
