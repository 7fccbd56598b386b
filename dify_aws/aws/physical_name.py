"""PhysicalName: what a thing of a deployment is called in AWS, where AWS knows it by a name and not by an id.

Parts of names may hold single hyphens and never two in a row, so two of them between the parts say where one ends and
the next begins: no two things share a name, and a pattern for one deployment (``dify--dev--*``) matches nothing of
another (``dify--dev-2--cpu``). tests/functional/test_names.py proves it over generated names.
"""

from __future__ import annotations

import re
from typing import Final

SEPARATOR: Final = "--"

DEPLOYMENT: Final = re.compile(r"[a-z](-?[a-z0-9])*(/[a-z0-9](-?[a-z0-9])*)?")
"""The name of a deployment: one part, or project and environment."""

RESOURCE: Final = re.compile(r"[A-Za-z0-9_.](-?[A-Za-z0-9_.])*")
"""The name of a resource in its stack."""


def physical_name(deployment: str, *parts: str) -> str:
    """The name of what these parts mean in a deployment.

    >>> physical_name("dify/dev", "host")
    'dify--dev--host'
    """
    return SEPARATOR.join((*deployment.split("/"), *parts))
