"""Rules for the settings that are limits: memory and connections of PostgreSQL, and whether all limits fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.known_releases import release_of
from dify_aws.dify.variable_names import name_in
from dify_aws.errors import Problem
from dify_aws.limits import OURS, Limits, by_limit
from dify_aws.secrets import MASK
from dify_aws.settings.rules import whole_number

concurrency: Final = whole_number(1, 2000, "people who run a workflow at the same time")
memory_mib: Final = whole_number(256, 1 << 20, "MiB, for cache and connections")
shared_buffers_mib: Final = whole_number(16, 1 << 19, "MiB, and at most half of what PostgreSQL may take")
max_connections: Final = whole_number(40, 10_000, "each takes memory of PostgreSQL")


def fitting(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Each limit that was given and is too small for what else is wished for. Where nothing was given, it grows."""
    if not {"profile", "env", "dify_version", "release", *OURS} <= values.keys():
        return
    try:
        release = release_of(values["dify_version"], values["release"])
    except (KeyError, ReleaseError):
        return  # its own rule tells
    env = by_limit(release, {name: value.reveal() for name, value in values["env"].items()})
    for short in Limits.of(values["profile"], env, **{name: values[name] for name in OURS}).shortfalls:
        right = f"It has to be at least {short.least}, for {short.why}; or leave it out, and it is made so"
        if short.limit in OURS:
            yield Problem(short.limit, short.value, "is too small for what else is wished for", right)
        else:
            name = name_in(release, short.limit) or short.limit
            yield Problem("env", {name: MASK}, f"has {short.value} for {name}, which is too small", right)
