"""Correction: one thing that AWS does and moto does not, and how it is put in place and taken away again."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from dify_aws.offline.cloud import Cloud

Replace = Callable[[Cloud, Any], Any]

_ABSENT = object()


@dataclass(frozen=True, kw_only=True)
class Correction:
    """`says` is what AWS does, `link` the page where AWS says it.

    `replace` is given the cloud and what moto has there, and makes what is to be there instead.
    """

    owner: str
    attributes: tuple[str, ...]
    says: str
    link: str
    replace: Replace

    def install(self, cloud: Cloud) -> Callable[[], None]:
        """Put the correction in place for `cloud`; the answer is a function that takes it away again."""
        module, _, path = self.owner.partition(":")
        target: Any = importlib.import_module(module)
        for part in filter(None, path.split(".")):
            target = getattr(target, part)
        undo = ExitStack()
        for attribute in self.attributes:
            own = vars(target).get(attribute, _ABSENT)
            # A property must be seen as itself; a method may be inherited from one of moto's many mixins.
            found = own if own is not _ABSENT else getattr(target, attribute)
            setattr(target, attribute, self.replace(cloud, found))
            undo.callback(_restore, target, attribute, own)
        return undo.close


def _restore(target: Any, attribute: str, own: Any) -> None:
    if own is _ABSENT:
        delattr(target, attribute)
    else:
        setattr(target, attribute, own)


def corrects(owner: str, *attributes: str, says: str, link: str) -> Callable[[Callable[..., Any]], Correction]:
    """Make a correction out of a function that stands around moto's method.

    The function is called with the cloud, moto's own method (bound), and then what moto's method is called with,
    `self` first.
    """

    def make(function: Callable[..., Any]) -> Correction:
        def replace(cloud: Cloud, original: Any) -> Any:
            @functools.wraps(original)
            def around(self: Any, *args: Any, **kwargs: Any) -> Any:
                return function(cloud, functools.partial(original, self), self, *args, **kwargs)

            return around

        return Correction(owner=owner, attributes=attributes, says=says, link=link, replace=replace)

    return make


def install(corrections: Iterable[Correction], cloud: Cloud) -> Callable[[], None]:
    """Put all `corrections` in place; the answer takes them away again, last one first."""
    with ExitStack() as undo:
        for correction in corrections:
            undo.callback(correction.install(cloud))
        return undo.pop_all().close
