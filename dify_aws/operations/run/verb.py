"""Verb: what a person can do with a deployment: one function, with what its lock, record, command and permissions need.

A verb is a function whose first parameter is the deployment. One of the decorators here describes it; a line in
:class:`dify_aws.Deployment` makes it a method. Everything else is derived from that: :func:`verbs_of` is the table.
"""

from __future__ import annotations

import functools
import inspect
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Final, Literal, ParamSpec, TypeAlias, TypedDict, TypeVar, Unpack, cast

from dify_aws.iam_policies.grants import Grant
from dify_aws.operations.history import history
from dify_aws.operations.lock import lock_table
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun, recorded_run

P = ParamSpec("P")
R = TypeVar("R")

Effect: TypeAlias = Literal["reads", "changes", "concurrent"]
"""What a verb does to a deployment. "changes" holds the lock of the deployment and is recorded; "concurrent" changes
only what belongs to one person, or the lock itself, and therefore works while another run holds the lock."""

ATTRIBUTE: Final = "__dify_aws_verb__"
"""Where a decorated function keeps its verb."""


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb of a deployment.

    Args:
        name: of the method.
        summary: one line for the help and the documentation.
        effect: what it does to the deployment.
        permissions: the IAM actions that it needs beside those of the resources.
        grants: statements for actions that no other verb and no resource needs.
        command: how it is typed; by default the name with hyphens. "plan --destroy" is a form of another command.
        operand: the positional arguments in the usage line.
        arguments: adds the options of its command to a parser.
        run: runs its command; returns the exit code. By default the method is called with the options of its own names.
    """

    name: str
    summary: str
    effect: Effect
    run: Callable[[CommandLine], int] = lambda line: SUCCESS
    permissions: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = ()
    command: str = ""
    operand: str = ""
    arguments: Callable[[ArgumentParser], object] = lambda parser: None

    @property
    def actions(self) -> frozenset[str]:
        """Every IAM action that it needs beside those of the resources."""
        shared = lock_table.PERMISSIONS | history.PERMISSIONS if self.effect == "changes" else frozenset[str]()
        return shared.union(self.permissions, *(grant.named() for grant in self.grants))


class VerbOptions(TypedDict, total=False):
    """What a decorator is given; see :class:`Verb`."""

    permissions: frozenset[str]
    grants: tuple[Grant, ...]
    command: str
    operand: str
    arguments: Callable[[ArgumentParser], object]
    run: Callable[[CommandLine], int]


def reading_verb(
    summary: str, effect: Literal["reads", "concurrent"] = "reads", **options: Unpack[VerbOptions]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator for a verb that takes no lock.

    Args:
        summary: one line for the help and the documentation.
        effect: "concurrent" if it changes something beside the deployment.
        options: see :class:`Verb`.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        _describe(function, function.__name__, summary, effect, options)
        return function

    return decorate


def changing_verb(
    summary: str, *, recorded_as: str = "", **options: Unpack[VerbOptions]
) -> Callable[
    [Callable[Concatenate[DeploymentContext, RecordedRun, P], R]], Callable[Concatenate[DeploymentContext, P], R]
]:
    """A decorator for a verb that changes the deployment.

    The decorated function is given a :class:`RecordedRun` as its second argument: it enters the run, or gives it to a
    stack, before it changes anything, and notes its changes there. Callers of the method do not see that argument.

    Args:
        summary: one line for the help and the documentation.
        recorded_as: its name in the lock and in records; by default the name of the function.
        options: see :class:`Verb`.
    """

    def decorate(
        function: Callable[Concatenate[DeploymentContext, RecordedRun, P], R],
    ) -> Callable[Concatenate[DeploymentContext, P], R]:
        @functools.wraps(function)
        def recorded(deployment: DeploymentContext, /, *args: P.args, **kwargs: P.kwargs) -> R:
            with recorded_run(deployment, recorded_as or function.__name__) as run:
                return function(deployment, run, *args, **kwargs)

        signature = inspect.signature(function)
        deployment, _, *others = signature.parameters.values()
        vars(recorded)["__signature__"] = signature.replace(parameters=[deployment, *others])
        _describe(recorded, function.__name__, summary, "changes", options)
        return cast(Callable[Concatenate[DeploymentContext, P], R], recorded)

    return decorate


def verb_of(method: object) -> Verb | None:
    """The verb that a method is; None if it is another method.

    Args:
        method: a method of :class:`dify_aws.Deployment`, or the function that it is made of.
    """
    verb: Verb | None = getattr(method, ATTRIBUTE, None)
    return verb


def verbs_of(deployment: type[DeploymentContext]) -> tuple[Verb, ...]:
    """The table of all verbs of a class of deployments, in the order in which the class names them.

    Args:
        deployment: :class:`dify_aws.Deployment`, or a subclass with further verbs.
    """
    methods = {name: method for cls in reversed(deployment.__mro__) for name, method in vars(cls).items()}
    return tuple(verb for method in methods.values() if (verb := verb_of(method)) is not None)


def _describe(method: Callable[..., Any], name: str, summary: str, effect: Effect, options: VerbOptions) -> None:
    def call_with_options(line: CommandLine) -> int:
        deployment = line.deployment() if effect == "reads" else line.working()
        parameters = list(inspect.signature(method).parameters)[1:]
        line.show(method(deployment, **{each: line.options[each] for each in parameters if each in line.options}))
        return SUCCESS

    options.setdefault("run", call_with_options)
    options.setdefault("command", name.replace("_", "-"))
    vars(method)[ATTRIBUTE] = Verb(name=name, summary=summary, effect=effect, **options)
