"""Placement: where each variable of a newer release belongs, by what the newest known record says and by its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dify_aws.dify.drafts.renames import renamed
from dify_aws.dify.drafts.secret_names import is_secret
from dify_aws.dify.release import Release
from dify_aws.dify.service import Service
from dify_aws.dify.upstream.expressions import references
from dify_aws.dify.upstream.facts import Upstream, UpstreamVariable
from dify_aws.dify.variables import Reader, Refusal, Variable

OWN_FILES: Final = "envs/core-services/"
"""Env files of one program each. The others are read by every container of Dify, whether it uses them or not."""


@dataclass
class Placement:
    """The variables of a newer release.

    Attributes:
        variables: those that a service reads, by name.
        refused: those that nothing here reads, by reason.
        renames: old name by new one.
        undecided: why a variable could not be placed, by name.
        new: names that only the newer release has and that were not renamed.
        removed: names that only the known one has and that were not renamed.
        unconfirmed: names that are kept although no file of the checkout has them.
        lost_pairs: variables whose ``same_as`` is not there any more.
    """

    variables: dict[str, Variable] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    lost_pairs: list[str] = field(default_factory=list)

    def refuse(self, name: str, reason: str) -> None:
        """Put a variable among those that nothing reads."""
        self.refused.setdefault(reason, []).append(name)


def place_variables(
    upstream: Upstream, base: Release, services: Mapping[str, Service], renamed_services: Mapping[str, str]
) -> Placement:
    """Find the place of each variable.

    Args:
        upstream: the newer release.
        base: the newest known record.
        services: the services that run in the newer release.
        renamed_services: old name of a service by its new one.

    Returns:
        The place of each variable that the newer release has.
    """
    old = {name for name, variable in base.variables.items() if not variable.undocumented}
    exact = {name for refusal in base.refused for name in refusal.names if "*" not in name}
    known = old | exact | {name for name in upstream.variables if base.refusal(name)}
    new, removed = upstream.variables.keys() - known - base.variables.keys(), (old | exact) - upstream.variables.keys()
    renames = renamed(new, removed)
    placement = Placement(
        renames=renames, new=sorted(new - renames.keys()), removed=sorted(removed - {*renames.values()})
    )
    newer = {before: after for after, before in renamed_services.items()}
    evidence = _Evidence(upstream, services)
    for name, variable in upstream.variables.items():
        before = placement.renames.get(name, name)
        if (reason := base.refusal(before)) is not None:
            placement.refuse(name, reason)
        elif before in base.variables:
            _carry(placement, evidence, base.variables[before], variable, newer)
        else:
            _place(placement, evidence, variable)
    for name, kept in base.variables.items():
        if kept.undocumented and name not in upstream.variables and (readers := _still(kept, services, newer)):
            placement.variables[name] = replace(kept, readers=readers)
            if name not in evidence.inside:
                placement.unconfirmed.append(name)
    placement.variables = dict(sorted(placement.variables.items()))
    _restore_pairs(placement)
    _require_newer_names(placement, upstream)
    return placement


class _Evidence:
    """Which services read a variable, as the files of a checkout show."""

    def __init__(self, upstream: Upstream, services: Mapping[str, Service]) -> None:
        self.upstream = upstream
        self.services = services
        self.given: dict[str, list[Reader]] = {}
        self.fallbacks: dict[str, list[Reader]] = {}
        self.outside: dict[str, list[str]] = {}
        for name, service in upstream.services.items():
            for inner, expression in service.environment.items():
                for index, reference in enumerate(references(expression)):
                    if name not in services:
                        self.outside.setdefault(reference.name, []).append(name)
                        continue
                    # What stands in the default of another one counts only if it is named nowhere else.
                    readers = self.fallbacks if index else self.given
                    reader = Reader(service=name, name="" if inner == reference.name else inner)
                    readers.setdefault(reference.name, []).append(reader)
        running = [service for name, service in upstream.services.items() if name in services]
        self.inside = upstream.settings | {inner for service in running for inner in service.environment}

    def readers(self, variable: UpstreamVariable) -> tuple[Reader, ...]:
        """The services that read it, those that Compose gives it by name first."""
        given = self.given.get(variable.name, [])
        if variable.name in self.upstream.settings:
            own = [name for name, service in self.services.items() if service.mode]
        else:
            own = [name for file in variable.files if file.startswith(OWN_FILES) for name in self._of(file)]
        taken = {reader.service for reader in given}
        found = (*given, *(Reader(service=name) for name in dict.fromkeys(own) if name not in taken))
        return found or tuple(self.fallbacks.get(variable.name, ()))

    def elsewhere(self, variable: UpstreamVariable) -> tuple[str, ...]:
        """Services that do not run here and are given the variable by Compose."""
        return tuple(dict.fromkeys(self.outside.get(variable.name, ())))

    def _of(self, file: str) -> Iterator[str]:
        """The services of a file that belongs to one program."""
        names = [name for name, service in self.upstream.services.items() if file in service.env_files]
        if len({self.services[name].image if name in self.services else name for name in names}) == 1:
            yield from (name for name in names if name in self.services)


def _carry(
    placement: Placement, evidence: _Evidence, before: Variable, after: UpstreamVariable, newer: Mapping[str, str]
) -> None:
    """A variable that the record knows: what it says, with the default of the newer release."""
    found = evidence.readers(after)
    if after.name == before.name or not found:
        kept = _still(before, evidence.services, newer)
        added = [reader for reader in evidence.given.get(after.name, ()) if reader not in kept]
        found = (*kept, *(reader for reader in added if reader.service not in {each.service for each in kept}))
    if not found:
        placement.undecided[after.name] = f"{after.place}: the services that read it are not there any more"
        return
    secret = before.secret or is_secret(after.name)
    placement.variables[after.name] = Variable(
        name=after.name,
        default="" if secret else after.default,
        readers=found,
        secret=secret,
        required=before.required,
        same_as=before.same_as,
        renamed_from="" if after.name == before.name else before.name,
    )


def _place(placement: Placement, evidence: _Evidence, variable: UpstreamVariable) -> None:
    """A variable that is new: by who reads it, or by who would read it if it ran."""
    name = variable.name
    if readers := evidence.readers(variable):
        secret = is_secret(name)
        placement.variables[name] = Variable(
            name=name,
            default="" if secret else variable.default,
            readers=readers,
            secret=secret,
            # A published value is there because the program does not do without one.
            required=secret and bool(variable.default),
        )
    elif elsewhere := evidence.elsewhere(variable):
        belongs = ", ".join(sorted(elsewhere))
        placement.refuse(name, f"Nothing that runs here reads it; in upstream it belongs to {belongs}.")
    else:
        where = f"{variable.place} ({', '.join(variable.files)})" if variable.files else variable.place
        placement.undecided[name] = f"{where}: no service that runs is seen to read it"


def _still(variable: Variable, services: Mapping[str, Service], newer: Mapping[str, str]) -> tuple[Reader, ...]:
    """The readers that the newer release has."""
    moved = [replace(reader, service=newer.get(reader.service, reader.service)) for reader in variable.readers]
    return tuple(reader for reader in moved if reader.service in services)


def _restore_pairs(placement: Placement) -> None:
    newer = {before: after for after, before in placement.renames.items()}
    for name, variable in placement.variables.items():
        if variable.same_as:
            other = newer.get(variable.same_as, variable.same_as)
            there = other in placement.variables
            placement.variables[name] = replace(variable, same_as=other if there else "")
            if not there:
                placement.lost_pairs.append(name)


def _require_newer_names(placement: Placement, upstream: Upstream) -> None:
    """Of a new name and the old one that Compose takes if it is empty, the new one is required."""
    for name in placement.new:
        old = upstream.variables[name].fallback
        if name in placement.variables and old in placement.variables and placement.variables[old].required:
            placement.variables[name] = replace(placement.variables[name], required=True)
            placement.variables[old] = replace(placement.variables[old], required=False)


def refusals(placement: Placement, base: Release) -> tuple[Refusal, ...]:
    """The refused variables, in the patterns and the order of the newest known record.

    Args:
        placement: the place of each variable.
        base: the newest known record.

    Returns:
        What the record of the newer release refuses. What is not decided has no reason yet.
    """
    found = []
    left = dict(placement.refused)
    for refusal in base.refused:
        if names := left.pop(refusal.reason, []):
            kept = [each for each in refusal.names if any(_only(each).covers(name) for name in names)]
            added = [name for name in names if not any(_only(each).covers(name) for each in kept)]
            found.append(Refusal(names=(*kept, *added), reason=refusal.reason))
    found += [Refusal(names=tuple(names), reason=reason) for reason, names in left.items()]
    if placement.undecided:
        found.append(Refusal(names=tuple(placement.undecided), reason=""))
    return tuple(found)


def _only(pattern: str) -> Refusal:
    return Refusal(names=(pattern,), reason="")
