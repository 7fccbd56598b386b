"""Files on the host that a step does not expect: it copes with them, or refuses and names the file and the host."""

from __future__ import annotations

from typing import Final

import pytest

from dify_aws.host.content import Content, diff
from dify_aws.host.disks import fstab
from dify_aws.host.errors import FactUnreadable, HostError, StepRefused
from dify_aws.host.fact import Answer, Facts
from dify_aws.host.step import Step
from dify_aws.host.steps.packages import Packages
from dify_aws.host.steps.path import AtPath
from dify_aws.host.steps.swap import Swap
from dify_aws.runtimes.compose.steps.image_digests import RECORD, recorded
from dify_aws.runtimes.compose.steps.migration import MARKER, Migration
from tests.install.test_step_cases import CASES, Case

WHERE: Final = "ubuntu@203.0.113.7"
LATIN_1: Final = "# Spécialité\n".encode("latin-1")

READING: Final = [case for case in CASES if any(isinstance(fact, AtPath) for fact in case.step.facts())]


def with_latin_1(step: Step, answers: dict[str, Answer]) -> Facts:
    """The answers, with a line in Latin-1 at the end of every file."""
    return Facts(
        WHERE,
        {
            fact: (
                Answer(answers[fact.name].out + LATIN_1)
                if isinstance(fact, AtPath) and answers[fact.name].out.startswith(b"regular")
                else answers[fact.name]
            )
            for fact in step.facts()
        },
    )


@pytest.mark.parametrize("case", READING, ids=lambda case: f"{case.module}: {case.title}")
def test_a_step_changes_or_refuses_a_file_in_another_encoding(case: Case) -> None:
    facts = with_latin_1(case.step, dict(case.host.answers))
    try:
        changes = case.step.check(facts)
    except HostError as error:
        assert WHERE in str(error)  # noqa: PT017 - any other error fails the test
        return
    for change in changes:
        if isinstance(change.after, Content) and isinstance(change.before, Content | None):
            assert diff(change.before, change.after, lambda text: text)


@pytest.mark.parametrize(
    ("path", "step"),
    [
        (fstab.PATH, Swap()),
        (MARKER, Migration(image="langgenius/dify-api:1.17.1", services=["api"])),
    ],
)
def test_the_refusal_names_the_host_the_file_and_the_line(path: str, step: Step) -> None:
    answers = {
        "swap file": Answer(b"memory=3998720\n"),
        "own kernel": Answer(),
        f"path {path}": Answer(b"regular file|644|root:root|0:0\nfirst line\n" + LATIN_1),
    }
    facts = Facts(WHERE, {fact: answers[fact.name] for fact in step.facts()})
    with pytest.raises(StepRefused) as caught:
        step.check(facts)
    assert str(caught.value).startswith(f"{WHERE}: {path} should be UTF-8 text, and line 2 of it is not")


def test_numbers_of_any_length_are_no_versions() -> None:
    """Python refuses to read a number of more than 4300 digits."""
    digits = b"9" * 5000
    packages = Packages(requirements=["docker-ce>=26"])
    [installed] = packages.facts()
    facts = Facts(WHERE, {installed: Answer(b"docker-ce|ii |" + digits + b"\n")})
    with pytest.raises(FactUnreadable, match="docker-ce"):
        packages.check(facts)
    migration = Migration(image="langgenius/dify-api:1.17.1", services=["api"])
    marker = Answer(b"regular file|644|root:root|0:0\nlanggenius/dify-api:1." + digits + b"\n")
    assert migration.check(Facts(WHERE, {AtPath(MARKER): marker})), "a tag without a release is migrated again"


def test_a_record_of_digests_in_another_encoding_is_refused() -> None:
    facts = Facts(WHERE, {RECORD: Answer(b"regular file|644|root:root|0:0\n" + LATIN_1)})
    with pytest.raises(StepRefused, match=RECORD.path):
        recorded(facts)
