"""Record text: a release as the TOML of its record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from dify_aws.dify.release import Release
from dify_aws.dify.service import Service
from dify_aws.dify.variable_types import ValueType
from dify_aws.dify.variables import Reader, Variable

WIDTH: Final = 150
"""Characters of a list that stands in one line."""


def record_text(release: Release, comments: Mapping[str, str] | None = None) -> str:
    """The record of a release. Read again, it is the same release.

    Args:
        release: the release.
        comments: a comment for an entry, by table and name (``omitted.valkey``) or table and first name of a list.

    Returns:
        The text of a TOML file.
    """
    return "\n".join(_lines(release, comments or {})) + "\n"


def _lines(release: Release, comments: Mapping[str, str]) -> Iterator[str]:
    def pairs(table: str, values: Mapping[str, str]) -> Iterator[str]:
        for name, value in values.items():
            yield _commented(f"{_key(name)} = {_text(value)}", comments.get(f"{table}.{name}"))

    yield f"version = {_text(release.version)}"
    yield f"source = {_text(release.source)}"
    if release.migration_head:
        yield f"migration_head = {_text(release.migration_head)}"
    needs = release.requirements
    yield from ("", "[requirements]", f"memory_mib = {needs.memory_mib}", f"disk_gib = {needs.disk_gib}")
    yield from (f"docker = {_text(needs.docker)}", f"compose = {_text(needs.compose)}")
    yield from ("", "[images]", *pairs("images", release.images))
    if release.digests:
        yield from ("", "[digests]", *pairs("digests", release.digests))
    yield from ("", "[databases]", *pairs("databases", release.databases))
    for service in release.services.values():
        yield from ("", f"[services.{_key(service.name)}]", *_service(service))
    yield from ("", "[omitted]", *pairs("omitted", release.omitted))
    yield from ("", "[variables]")
    for name, variable in release.variables.items():
        yield _commented(f"{name} = {{{', '.join(_variable(variable))}}}", comments.get(f"variables.{name}"))
    for found in dict.fromkeys(release.types.values()):
        yield from ("", "[[types]]", *_type(found))
        yield "names = ["
        yield from (f"    {_text(name)}," for name, each in release.types.items() if each == found)
        yield "]"
    for refusal in release.refused:
        yield from ("", "[[refused]]")
        noted = any(f"refused.{name}" in comments for name in refusal.names)
        if len(line := f"names = {_texts(refusal.names)}") <= WIDTH and not noted:
            yield line
        else:
            yield "names = ["
            for name in refusal.names:
                yield _commented(f"    {_text(name)},", comments.get(f"refused.{name}"))
            yield "]"
        yield f"reason = {_text(refusal.reason)}"
    for route in release.routes:
        yield from ("", "[[routes]]", f"path = {_text(route.path)}", f"service = {_text(route.service)}")
        yield f"port = {route.port}"
        if route.without:
            yield f"without = {_text(route.without)}"
    for job in release.jobs:
        yield from ("", "[[jobs]]", f"name = {_text(job.name)}", f"command = {_texts(job.command)}")
        yield from (f"when = {_text(job.when)}", f"crossing_to = {_text(job.crossing_to)}")
        yield f"reason = {_text(job.reason)}"
        if job.fresh:
            yield "fresh = true"
    for gate in release.gates:
        yield from ("", "[[gates]]", f"before = {_text(gate.before)}", f"reason = {_text(gate.reason)}")
        yield f"reversible = {_flag(gate.reversible)}"
        if gate.service:
            yield f"service = {_text(gate.service)}"
        if gate.stops:
            yield "stops = true"


def _service(service: Service) -> Iterator[str]:
    yield f"image = {_text(service.image)}"
    for name in ("optional", "mode"):
        if value := getattr(service, name):
            yield f"{name} = {_text(value)}"
    if service.ports:
        yield f"ports = [{', '.join(map(str, service.ports))}]"
    if service.health:
        yield f"health = {_text(service.health)}"
    if service.needs:
        yield f"needs = {_texts(f'{need.service}:{need.condition}' for need in service.needs)}"
    if service.smoke:
        yield "smoke = true"
    if service.memory_mib:
        yield f"memory_mib = {service.memory_mib}"
    if service.configuration:
        entries = (f"{_key(name)} = {_text(value)}" for name, value in service.configuration.items())
        yield f"configuration = {{{', '.join(entries)}}}"


def _type(found: ValueType) -> Iterator[str]:
    yield f"type = {_text(found.type)}"
    if found.least is not None:
        yield f"least = {found.least}"
    if found.unit:
        yield f"unit = {_text(found.unit)}"
    if found.choices:
        yield f"choices = {_texts(found.choices)}"


def _variable(variable: Variable) -> Iterator[str]:
    if variable.default:
        yield f"default = {_text(variable.default)}"
    yield f"readers = {_texts(map(_reader, variable.readers))}"
    if variable.secret:
        yield "secret = true"
    if variable.same_as:
        yield f"same_as = {_text(variable.same_as)}"
    if variable.required:
        yield "required = true"
    if variable.renamed_from:
        yield f"renamed_from = {_text(variable.renamed_from)}"
    if variable.undocumented:
        yield "undocumented = true"


def _reader(reader: Reader) -> str:
    return f"{reader.service}:{reader.name}" if reader.name else reader.service


def _text(text: str) -> str:
    # A text of JSON is one of TOML as well, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else _text(name)


def _commented(line: str, comment: str | None) -> str:
    return f"{line}  # {' '.join(comment.split())}" if comment else line
