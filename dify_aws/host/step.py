"""Step: one wish about the machine: what to ask, what of the answers is not as wished, and how to make it so.

``check`` sees only what the host answered, and ``apply`` only what is to be changed. So the first is shown by cases
of data, with no host at all, and a dry run is the same walk that ends before ``apply``.
"""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Protocol

from dify_aws.change import Change
from dify_aws.errors import DifyAwsError
from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host import Host


class Step(Protocol):
    """What is done to the machine, and what is known of it, one noun at a time. Steps are frozen dataclasses.

    No step remembers anything: what must be done is seen from the machine alone, so that a run that was cut anywhere is
    finished by the next. ("The configuration is newer than the process that reads it" is a fact; "I have just changed
    the configuration" is not.)
    """

    @property
    def name(self) -> str:
        """What it is about, and unlike the name of any other step: "file /opt/dify/.env"."""
        ...

    @property
    def needs(self) -> Sequence[str] | None:
        """The names of the steps that must be done before it; None is all that stand before it in the list."""
        ...

    def facts(self) -> Sequence[Fact[Any]]:
        """What ``check`` has to know."""
        ...

    def check(self, facts: Facts) -> Sequence[Change]:
        """What is not as wished; nothing, if all is. Asks nobody else.

        Raises:
            StepRefused: the machine is not fit for it, and a person has to see to that.
            FactUnreadable: the host's answer means nothing.
        """
        ...

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Make these so. To do it twice, or to go on after a part of it, does no harm.

        Raises:
            HostError: it could not be done.
        """
        ...


class StepsWrong(DifyAwsError, ValueError):
    """A list of steps that cannot be: two of one name, a need that nobody fulfils, or a circle."""


def needed(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """For each step, by name and in the order of the list, all that must be done before it, however far back.

    Raises:
        StepsWrong: there is no such order.
    """
    direct: dict[str, tuple[str, ...]] = {}
    for step in steps:
        if step.name in direct:
            raise StepsWrong(f"two steps are called {step.name!r}")
        direct[step.name] = tuple(direct) if step.needs is None else tuple(step.needs)
    for name, needs in direct.items():
        if strangers := [need for need in needs if need not in direct]:
            raise StepsWrong(f"{name!r} needs {', '.join(map(repr, strangers))}, and there is no such step")
    try:
        order = tuple(TopologicalSorter(direct).static_order())
    except CycleError as error:
        raise StepsWrong(f"these steps need each other in a circle: {' → '.join(error.args[1])}") from error
    far: dict[str, frozenset[str]] = {}
    for name in order:
        far[name] = frozenset(direct[name]).union(*(far[need] for need in direct[name]))
    return {name: far[name] for name in direct}
