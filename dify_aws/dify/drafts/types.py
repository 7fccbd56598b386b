"""Types: the types of the variables of a newer release, by its settings classes and the newest known record."""

from __future__ import annotations

from collections.abc import Mapping

from dify_aws.dify.drafts.placement import Placement
from dify_aws.dify.release import Release
from dify_aws.dify.upstream.facts import Upstream
from dify_aws.dify.variable_types import ValueType


def types_of(upstream: Upstream, base: Release, placement: Placement) -> Mapping[str, ValueType]:
    """The types of the variables of a newer release.

    Args:
        upstream: the newer release. Of a setting of dify-api, its annotation counts.
        base: the newest known record. Of what other programs read, its type is kept.
        placement: the place of each variable.

    Returns:
        Types by variable, in alphabetical order; of none that is refused.
    """
    found = dict(upstream.types)
    for name in placement.variables.keys() - upstream.settings - found.keys():
        if (kept := base.types.get(placement.renames.get(name, name))) is not None:
            found[name] = kept
    refused = {name for names in placement.refused.values() for name in names} | placement.undecided.keys()
    return {
        name: each
        for name, each in sorted(found.items())
        if name in placement.variables or (name not in refused and base.refusal(name) is None)
    }
