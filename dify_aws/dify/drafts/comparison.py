"""Comparison: what a newer release of Dify changes, and what a person has to decide before its record is whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dify_aws.presentation import JsonMixin


@dataclass(frozen=True, kw_only=True)
class Comparison(JsonMixin):
    """A newer release against the newest known record.

    Attributes:
        version: the newer release.
        base: the known release.
        new_services: services that only the newer one has.
        removed_services: services that only the known one has.
        renamed_services: old name by new one.
        new_variables: variables that only the newer one has, with the place of each.
        removed_variables: variables that only the known one has.
        renamed_variables: old name by new one, concluded from the names.
        aliases: variables that Compose takes if the one of the newer name is empty, by the newer name.
        changed_defaults: default before and after, by variable; of no secret.
        new_secrets: variables that hold a secret and are new, with whether upstream publishes a value.
        shared_defaults: new secrets that have the same published value as others: do they have to be equal?
        changed_images: reference before and after, by image.
        kept_images: upstream's reference, by the image that this project pins itself.
        new_routes: public paths that only the newer one has.
        removed_routes: public paths that only the known one has.
        migrations: how many migrations are new; None if the newest one of the known release is not among them.
        undecided: what could not be placed, with what is known of it, by ``services.NAME``, ``variables.NAME``, …
        notes: what is to be looked at.
    """

    version: str
    base: str
    new_services: tuple[str, ...] = ()
    removed_services: tuple[str, ...] = ()
    renamed_services: Mapping[str, str] = field(default_factory=dict)
    new_variables: Mapping[str, str] = field(default_factory=dict)
    removed_variables: tuple[str, ...] = ()
    renamed_variables: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    changed_defaults: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    new_secrets: Mapping[str, str] = field(default_factory=dict)
    shared_defaults: tuple[tuple[str, ...], ...] = ()
    changed_images: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    kept_images: Mapping[str, str] = field(default_factory=dict)
    new_routes: tuple[str, ...] = ()
    removed_routes: tuple[str, ...] = ()
    migrations: int | None = 0
    undecided: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The comparison as values of JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        count = len(self.undecided)
        yield f"Dify {self.version} against the record of {self.base}: " + (
            f"{count} to decide" if count else "all placed"
        )
        yield from _block("services, new", self.new_services)
        yield from _block("services, removed", self.removed_services)
        yield from _block("services, renamed", _arrows(self.renamed_services))
        yield from _block("variables, new", (f"{name} ({place})" for name, place in self.new_variables.items()))
        yield from _block("variables, removed", self.removed_variables)
        yield from _block("variables, renamed as their names tell", _arrows(self.renamed_variables))
        yield from _block("variables whose old name still counts", _arrows(self.aliases))
        changed = (f"{name}: {before!r} -> {after!r}" for name, (before, after) in self.changed_defaults.items())
        yield from _block("defaults, changed", changed)
        yield from _block("secrets, new", (f"{name} ({fact})" for name, fact in self.new_secrets.items()))
        yield from _block("secrets with one published value: must they be equal?", map(", ".join, self.shared_defaults))
        images = (f"{name}: {before} -> {after}" for name, (before, after) in self.changed_images.items())
        yield from _block("images, changed", images)
        yield from _block(
            "images that stay pinned by this project",
            (f"{name} (upstream: {at})" for name, at in self.kept_images.items()),
        )
        yield from _block("routes, new", self.new_routes)
        yield from _block("routes, removed", self.removed_routes)
        if self.migrations:
            yield from _block("migrations, new", [str(self.migrations)])
        yield from _block("to decide", (f"{where}: {fact}" for where, fact in self.undecided.items()))
        yield from _block("to look at", self.notes)


def _block(title: str, lines: Any) -> Iterator[str]:
    if lines := list(lines):
        yield ""
        yield f"{title} ({len(lines)})" if len(lines) > 1 else title
        yield from (f"  {line}" for line in lines)


def _arrows(names: Mapping[str, str]) -> Iterator[str]:
    return (f"{before} -> {after}" for after, before in names.items())
