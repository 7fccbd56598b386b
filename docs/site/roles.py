"""Roles: the cross-references of docstrings (:class:`~dify_aws.Plan`) as links of the site; and verbs as methods."""

from __future__ import annotations

import re
from typing import Any

import griffe

import dify_aws

ROLE = re.compile(r":(?:meth|class|func|attr|data|mod|exc):`(~?)([\w.]+)`")


class Roles(griffe.Extension):
    """Rewrites the roles in every docstring."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite one docstring.

        Args:
            obj: the module, class, function or attribute.
        """
        if obj.docstring:
            obj.docstring.value = ROLE.sub(self._link, obj.docstring.value)

    def on_function_instance(self, *, func: griffe.Function, **_: Any) -> None:
        """Show a verb as the method that a caller sees, without the deployment and the run.

        Args:
            func: any function.
        """
        if func.path.startswith("dify_aws.verbs."):
            for name in ("deployment", "run"):
                if name in func.parameters:
                    del func.parameters[name]

    def _link(self, found: re.Match[str]) -> str:
        """A link to what is in the reference; what is not exported is plain code."""
        short, path = found[1], found[2]
        names = path.removeprefix("dify_aws.").split(".")
        shown = names[-1] if short else path.removeprefix("dify_aws.")
        if names[0] in dify_aws.__all__ and path.startswith("dify_aws."):
            return f"[`{shown}`][{path}]"
        if len(names) == 1 and hasattr(dify_aws.Deployment, names[0]):
            return f"[`{shown}()`][dify_aws.Deployment.{names[0]}]"
        return f"`{shown}`"
