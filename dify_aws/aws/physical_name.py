"""PhysicalName: what a thing of a deployment is called in AWS, where AWS knows it by a name and not by an id.

Parts of names may hold single hyphens and never two in a row, so two of them between the parts say where one ends and
the next begins: no two things share a name, and a pattern for one deployment (``dify--dev--*``) matches nothing of
another (``dify--dev-2--cpu``). tests/functional/test_names.py proves it over generated names.
"""

from __future__ import annotations

import re
from typing import Final

from dify_aws.errors import Problem, SettingsError

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


def check_place(deployment: str, region: str) -> None:
    """Check the name of a deployment, and that a region is known.

    Raises:
        SettingsError: one of them cannot be used; both problems at once.
    """
    problems = []
    if not DEPLOYMENT.fullmatch(deployment):
        problems.append(
            Problem(
                "deployment",
                deployment,
                "not a name",
                "Use lower-case letters, digits and single hyphens, in one part or two, as in lab or dify/dev",
            )
        )
    if not region:
        problems.append(
            Problem(
                "region",
                region,
                "no region is known",
                "Give one (region=, AWS_DEFAULT_REGION, AWS_REGION, or the profile), as in ap-northeast-1",
            )
        )
    if problems:
        raise SettingsError(problems)
