"""Secret review: the secrets that a newer release brings, and those that may have to be equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from dify_aws.dify.drafts.secret_names import is_secret
from dify_aws.dify.release import Release
from dify_aws.dify.upstream.facts import Upstream


def new_secrets(upstream: Upstream, base: Release, renames: Mapping[str, str]) -> Mapping[str, str]:
    """The variables that hold a secret and are new.

    Args:
        upstream: the newer release.
        base: the known one.
        renames: old names of variables by the new ones.

    Returns:
        By name, whether upstream publishes a value. The value itself is not shown.
    """
    return {
        name: f"{variable.place}, {'with a published value' if variable.default else 'empty upstream'}"
        for name, variable in upstream.variables.items()
        if is_secret(name) and name not in base.variables and base.refusal(name) is None and name not in renames
    }


def shared_defaults(upstream: Upstream, base: Release) -> Iterator[tuple[str, ...]]:
    """Secrets of one published value, of which one is new: upstream may give two programs one secret by it.

    Args:
        upstream: the newer release.
        base: the known one.

    Yields:
        Names of variables.
    """
    named = defaultdict(list)
    for name, variable in upstream.variables.items():
        if is_secret(name) and variable.default:
            named[variable.default].append(name)
    for names in named.values():
        if len(names) > 1 and any(name not in base.variables for name in names if base.refusal(name) is None):
            yield tuple(names)
