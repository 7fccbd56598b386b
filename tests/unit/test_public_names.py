"""What a user catches, types or builds is exported by dify_aws: it is walked from signature to signature."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache, cached_property
from types import FunctionType
from typing import Any, Final

import rich.console

import dify_aws

INTERNAL: Final = {
    "SshPort": "a lease is made by access() only, with the rule that it opens",
    "Opening": "belongs to SshPort",
    "LeaseTag": "belongs to SshPort",
    "VerbOptions": "the keyword arguments of the decorators for verbs",
    "UsageError": "the command line raises it and reports it itself",
    "NotThere": "a check of a diagnosis raises it, and diagnose() makes a finding of it",
}
"""What is met in the walk and not exported, with the reason."""

SPECIAL: Final = ("__init__", "__getitem__", "__iter__", "__enter__", "__call__")


def exported() -> dict[int, str]:
    """Every exported object, by identity: some are exported under another name."""
    return {id(getattr(dify_aws, name)): name for name in dify_aws.__all__}


@cache
def classes() -> dict[str, type]:
    """The exported classes by the names that they have in the library."""
    return {thing.__name__: thing for name in dify_aws.__all__ if isinstance(thing := getattr(dify_aws, name), type)}


def named_in(annotation: Any) -> Iterator[type]:
    """The classes of this library in an annotation, however deep."""
    if isinstance(annotation, type) and annotation.__module__.startswith("dify_aws"):
        yield annotation
    for part in typing.get_args(annotation):
        yield from named_in(part)


def hints(thing: Any) -> Iterator[Any]:
    """The annotations of a function, or of the fields of a dataclass."""
    names: dict[str, Any] = {}
    while True:
        try:
            yield from typing.get_type_hints(thing, localns=names).values()
        except NameError as error:
            # Imported for the type checker only.
            name = str(error.name)
            names[name] = getattr(rich.console, name, None) or classes()[name]
        else:
            return


def functions(cls: type) -> Iterator[FunctionType]:
    """The public methods and properties of a class, and those that its syntax calls."""
    for name in dir(cls):
        if name.startswith("_") and name not in SPECIAL:
            continue
        found = inspect.getattr_static(cls, name)
        for wrapped in ("__func__", "fget", "func"):
            if isinstance(found, classmethod | staticmethod | property | cached_property):
                found = getattr(found, wrapped, found)
        # The fields of a dataclass say the same; and users catch errors, they do not make them.
        skipped = name == "__init__" and (is_dataclass(cls) or issubclass(cls, Exception))
        if isinstance(found, FunctionType) and found.__module__.startswith("dify_aws") and not skipped:
            yield found


def walk() -> Iterator[tuple[str, type]]:
    """Where each class is named that a user meets, beginning with what is exported."""
    todo: list[Any] = [getattr(dify_aws, name) for name in dify_aws.__all__]
    seen: set[int] = set()
    while todo:
        thing = todo.pop()
        # The parts of an offline world are reached through its attributes, in tests.
        if id(thing) in seen or getattr(thing, "__module__", "").startswith("dify_aws.offline"):
            continue
        seen.add(id(thing))
        places: list[Any] = [thing] if isinstance(thing, FunctionType) else []
        if isinstance(thing, type):
            places = [*functions(thing), *([thing] if is_dataclass(thing) else [])]
        for place in places:
            for cls in (cls for hint in hints(place) for cls in named_in(hint)):
                yield f"{thing.__qualname__}: {place.__name__}", cls
                if cls.__name__ not in INTERNAL:
                    todo.append(cls)


def test_every_class_in_a_public_signature_is_exported() -> None:
    """Arguments, results, attributes and fields: what an editor shows can be imported from dify_aws."""
    met = list(walk())
    assert len({cls for _, cls in met}) > 60, "the walk walks"
    missing = {
        f"{cls.__module__}.{cls.__name__} ({where})"
        for where, cls in met
        if id(cls) not in exported() and cls.__name__ not in INTERNAL
    }
    assert missing == set()


def every_error() -> Iterator[type]:
    """Every error of the library, wherever it is defined."""
    for module in pkgutil.walk_packages(dify_aws.__path__, "dify_aws."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    todo = [dify_aws.DifyAwsError]
    while todo:
        cls = todo.pop()
        todo += cls.__subclasses__()
        if cls.__module__.startswith("dify_aws."):
            yield cls


def test_every_error_is_exported() -> None:
    """Whatever is raised can be caught by its name, and everything by DifyAwsError."""
    errors = set(every_error())
    assert len(errors) > 40
    assert {cls.__name__ for cls in errors if id(cls) not in exported()} == {"UsageError", "NotThere"}


def test_every_exported_name_is_there_and_documented() -> None:
    """Each has a docstring of its own, for the reference; a type alias has its comment in the source."""
    for name in dify_aws.__all__:
        thing = getattr(dify_aws, name)
        if isinstance(thing, type | FunctionType):
            assert thing.__doc__, name
            assert not thing.__doc__.startswith(f"{name}("), f"{name} has only what dataclass writes"


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module: hasattr() and `from dify_aws import` rely on it."""
    assert not hasattr(dify_aws, "Deploymint")


def test_the_import_loads_nothing_that_is_not_needed_at_once() -> None:
    """SSH, templates, tables in a terminal and the offline world come when they are used."""
    late = ("paramiko", "jinja2", "rich", "moto", "yaml", "websockets")
    code = f"import dify_aws, sys; print([name for name in {late!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
