"""What a host answers that somebody has taken over: any bytes are facts, changes, or an error that names the host."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from dify_aws import Settings
from dify_aws.host.errors import HostError
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.step import Step
from dify_aws.operations.diagnosis.checks.machine import checks
from dify_aws.operations.diagnosis.diagnosis import Finding
from tests.install.test_step_cases import CASES
from tests.support.fuzzing import TEXTS, examples

WHERE: Final = "ubuntu@203.0.113.7"
NOISE: Final = st.one_of(
    st.binary(max_size=40),
    TEXTS.map(lambda text: text.encode(errors="replace")),
    st.sampled_from([b"null", b"[]", b"5", b'{"v1": 5}', b'{"v1": {"errors": 5}}', b'{"v1": {"errors": [5]}}']),
    st.sampled_from([b"[" * 100_000, b'{"v1":' * 900, b"9" * 10_000, b"\n" * 50, b"|" * 50, b" 1" * 50, b"=\n" * 50]),
)
STATUSES: Final = st.sampled_from([0, 0, 0, 1, 3, 127, 255])
STEPS: Final = [case.step for case in CASES]
REAL: Final = {fact: case.host.answers[fact.name] for case in CASES for fact in case.step.facts()}
MACHINE: Final = checks(Settings(environment="dev", domain="dify.example.com", email="a@your-company.com"), lambda: 0.0)


def edited(answer: Answer, noise: bytes, seed: int, status: int) -> Answer:
    """A real answer with the noise in the place of a part of it."""
    begin, end = sorted(random.Random(seed).choices(range(len(answer.out) + 1), k=2))
    return Answer(answer.out[:begin] + noise + answer.out[end:], status)


@examples(300)
@given(st.sampled_from(STEPS), NOISE, st.integers(0, 2**32), STATUSES)
def test_a_step_understands_it_or_says_that_it_does_not(step: Step, noise: bytes, seed: int, status: int) -> None:
    answers = {fact: edited(REAL[fact], noise, seed, status) for fact in step.facts()}
    try:
        assert all(str(change) for change in step.check(Facts(WHERE, answers)))
    except HostError as error:
        assert WHERE in str(error)  # noqa: PT017 - any other error is what is looked for


@examples(150)
@given(st.sampled_from(sorted(REAL, key=lambda fact: fact.name)), NOISE, STATUSES)
def test_every_fact_by_itself(fact: Fact[Any], noise: bytes, status: int) -> None:
    """The error names the fact, too, and shows nothing of one that may hold secrets."""
    try:
        Facts(WHERE, {fact: Answer(noise, status)})[fact]
    except HostError as error:
        assert fact.name in str(error)  # noqa: PT017
        assert not fact.secret or error.__cause__ is None  # noqa: PT017


def _findings(noise: bytes, seed: int, status: int) -> Iterator[Finding]:
    rng = random.Random(seed)
    for check in MACHINE:
        answers = {fact: Answer(noise if rng.random() < 0.5 else b"", status) for fact in check.facts()}
        with suppress(HostError):
            yield from check.look(Facts(WHERE, answers))


@examples(100)
@given(NOISE, st.integers(0, 2**32), STATUSES)
def test_a_check_of_the_machine_finds_something_or_says_that_it_cannot(noise: bytes, seed: int, status: int) -> None:
    assert all(str(finding) for finding in _findings(noise, seed, status))
