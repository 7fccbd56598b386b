"""Correction: one difference between moto and AWS, and how it is installed and removed."""

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
    """One difference between moto and AWS.

    Args:
        owner: module and class of moto, such as "moto.ec2.responses:EC2Response".
        attributes: the methods that are replaced.
        says: what AWS does.
        link: the page of AWS that describes it.
        replace: gets the cloud and moto's method, and returns the replacement.
    """

    owner: str
    attributes: tuple[str, ...]
    says: str
    link: str
    replace: Replace

    def install(self, cloud: Cloud) -> Callable[[], None]:
        """Install the correction.

        Args:
            cloud: the shared state of the corrections.

        Returns:
            A function that removes the correction.
        """
        module, _, path = self.owner.partition(":")
        target: Any = importlib.import_module(module)
        for part in filter(None, path.split(".")):
            target = getattr(target, part)
        undo = ExitStack()
        for attribute in self.attributes:
            own = vars(target).get(attribute, _ABSENT)
            # vars() returns a property itself; a method can be inherited from one of moto's mixins.
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
    """A decorator: makes a correction of a function that wraps a method of moto.

    The function is called with the cloud, moto's own method (bound), and the arguments of moto's method, `self` first.

    Args:
        owner: module and class of moto.
        attributes: the methods that are replaced.
        says: what AWS does.
        link: the page of AWS that describes it.
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
    """Install corrections.

    Args:
        corrections: in this order.
        cloud: the shared state of the corrections.

    Returns:
        A function that removes them, the last one first.
    """
    with ExitStack() as undo:
        for correction in corrections:
            undo.callback(correction.install(cloud))
        return undo.pop_all().close
