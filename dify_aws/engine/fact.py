"""Fact: what every account has already, such as its Availability Zones: found and used, never made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.engine.resource import Actual, Resource


@dataclass(frozen=True, kw_only=True, eq=False)
class Fact(Resource):
    """Something that every account has and nobody makes or deletes: ``find`` always finds, and there are no tags.

    As a rule there is nothing to wish for. A kind whose settings can be put right says so (``wished``), and how
    (``update``). One that could be another (the Availability Zone) says so as well (``alternative``).
    """

    @classmethod
    def desired_fields(cls) -> tuple[str, ...]:
        return ()

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        return ()

    def create(self, aws: Aws) -> Actual | None:
        raise NotImplementedError(f"{self.address} is a fact, and nobody makes it")

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        raise NotImplementedError(f"{self.address} is a fact, and carries no tags")

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        raise NotImplementedError(f"{cls.kind} is a fact, and nobody deletes it")

    def note(self, actual: Actual) -> str:
        """What a person should know about it before applying; it is shown with the plan. Empty if nothing.

        An alternative is used only if this was in the plan that was agreed to.
        """
        return ""

    def alternative(self, aws: Aws, actual: Actual, failures: Mapping[str, Exception]) -> Alternative | None:
        """What could be in its place after a run has failed; None if that would not help. Reads only."""
        return None

    def explained(self, aws: Aws, actual: Actual, failures: Mapping[str, Exception]) -> Mapping[str, Exception]:
        """The same failures, with what every alternative that was tried came to."""
        return failures


@dataclass(frozen=True)
class Alternative:
    """Another :class:`Fact` in place of one with which a run has failed, and why that one failed, in a few words."""

    fact: Fact
    why: str
