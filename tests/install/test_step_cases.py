"""Steps, by cases of data: what the host reports, what of it is not as wished, and what is done. No host is needed.

``cases/<module>.json`` is about the module of that name in ``dify_aws/host/steps`` or
``dify_aws/runtimes/compose/steps``. In a case, ``host`` has the answer to each fact
by its name: a text, or ``{"out": …, "status": …}``; in ``wish``, ``{"secret": …}`` is a Secret, and ``{"Class": {…}}``
a thing of that class of the module. Without ``changes``, nothing may be changed. ``{"script": …}`` in ``does`` is a
script of that module, by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest

from dify_aws.host import steps as host_steps
from dify_aws.host.errors import HostError
from dify_aws.host.fact import Answer
from dify_aws.host.script import script
from dify_aws.host.step import Step
from dify_aws.runtimes.compose import steps as compose_steps
from dify_aws.secrets import Secret
from tests.support.hosts import ScriptedHost

FOLDER = Path(__file__).parent / "cases"
# What is no step by itself, but a question that several ask.
QUESTIONS = {"path"}


# The packages that have steps.
PACKAGES = (host_steps, compose_steps)


def module_of(name: str) -> ModuleType:
    """The module of steps with that name, in whichever package it is."""
    [package] = [package for package in PACKAGES if name in {each.name for each in iter_modules(package.__path__)}]
    return import_module(f"{package.__name__}.{name}")


@dataclass(frozen=True)
class Case:
    """One case, and where it stands."""

    module: str
    title: str
    data: dict[str, Any]

    @property
    def step(self) -> Step:
        step: Step = _desired(self.data["step"], module_of(self.module))
        return step

    @property
    def does(self) -> list[dict[str, Any]]:
        steps = module_of(self.module)
        return [
            {"run": script(getattr(steps, each["script"]), *each["arguments"])} if "script" in each else each
            for each in self.data.get("orders", [])
        ]

    @property
    def host(self) -> ScriptedHost:
        return ScriptedHost({name: _answer(text) for name, text in self.data["host"].items()})


def _desired(value: Any, module: ModuleType) -> Any:
    match value:
        case {"secret": str(clear)}:
            return Secret(clear)
        case list():
            return [_desired(each, module) for each in value]
        case dict() if len(value) == 1 and (kind := next(iter(value)))[:1].isupper():
            return getattr(module, kind)(**{name: _desired(each, module) for name, each in value[kind].items()})
        case _:
            return value


def _answer(text: Any) -> Answer:
    return Answer(text.encode()) if isinstance(text, str) else Answer(text["out"].encode(), text.get("status", 0))


def cases() -> Iterator[Case]:
    """Every case of every file."""
    for path in sorted(FOLDER.glob("*.json")):
        for title, message in json.loads(path.read_text()).items():
            yield Case(path.stem, title, message)


CASES = tuple(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.module}: {case.title}")
def test_case(case: Case) -> None:
    """It is found, and done, and nothing but that."""
    host, step = case.host, case.step
    facts = host.ask(step.facts())
    if refused := case.data.get("refused"):
        with pytest.raises(HostError, match=re.escape(refused)):
            step.check(facts)
        return
    changes = step.check(facts)
    assert [str(change) for change in changes] == case.data.get("changes", [])
    if changes:
        step.apply(host, changes)
    assert host.does == case.does


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.module}: {case.title}")
def test_a_case_has_only_the_facts_that_are_queried(case: Case) -> None:
    """A fact that nobody asks for is a typing mistake."""
    assert {fact.name for fact in case.step.facts()} == set(case.data["host"])
    assert set(case.data) <= {"step", "host", "changes", "orders", "refused"}


def test_every_step_has_cases_and_one_of_them_is_of_no_change() -> None:
    """That nothing is done when all is as wished is the case that matters most."""
    modules = {each.name for package in PACKAGES for each in iter_modules(package.__path__)} - QUESTIONS
    still = {case.module for case in CASES if "changes" not in case.data and "refused" not in case.data}
    assert modules == still
