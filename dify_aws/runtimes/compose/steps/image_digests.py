"""ImageDigests: which image each tag meant when it was first used here, so that another one under it is not taken."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.foreign_json import parse_json
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.steps.path import AtPath
from dify_aws.runtimes.compose.paths import DATA
from dify_aws.runtimes.compose.steps.image import listed, tagged

RECORD: Final = AtPath(f"{DATA}/images.json")
"""On the data volume, so that a machine that takes it up runs the same images."""

DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class LocalDigests(Fact[Mapping[str, str]]):
    """Which digest did each tag have when it was pulled? An image that was loaded from a file has none."""

    @property
    def name(self) -> str:
        return "image digests"

    @property
    def script(self) -> str:
        return "docker image ls --digests --format '{{.Repository}}:{{.Tag}} {{.Digest}}' 2>/dev/null\nexit 0"

    def read(self, answer: Answer) -> Mapping[str, str]:
        pairs = (line.split() for line in answer.text.splitlines())
        return {tag: digest for tag, digest in pairs if DIGEST.fullmatch(digest)}


def recorded(facts: Facts) -> Mapping[str, str]:
    """The digest of each reference, as an earlier run has recorded it. Needs the fact RECORD.

    Raises:
        StepRefused: the record cannot be read.
    """
    found = facts[RECORD]
    if found.kind == "nothing":
        return MappingProxyType({})
    try:
        digests = parse_json(found.data.decode())
        if not all(DIGEST.fullmatch(digest) for digest in digests.values()):
            raise ValueError("a digest is none")
    except (ValueError, TypeError, AttributeError) as error:
        raise StepRefused(
            facts.where,
            f"{RECORD.path} should say which images run here, and cannot be read ({error}). Delete it to have the "
            "images that are on the machine recorded anew.",
        ) from None
    return MappingProxyType(dict(digests))


@dataclass(frozen=True, kw_only=True)
class ImageDigests:
    """What each reference means is recorded, and stays so. The images are there (say so in ``needs``).

    A digest that is named in a reference is one that somebody has agreed to: it is recorded instead of another one.

    Args:
        references: name:tag, or name:tag@digest.
        needs: the steps before it; None is all that stand before it in the list.
    """

    references: Sequence[str]
    needs: Sequence[str] | None = None

    name = "image digests"

    def facts(self) -> Sequence[Fact[Any]]:
        return (RECORD, LocalDigests())

    def check(self, facts: Facts) -> Sequence[Change]:
        """Each reference whose digest is not recorded yet, or that names another.

        Raises:
            StepRefused: a tag means another image than the one that is recorded.
        """
        before, local = recorded(facts), facts[LocalDigests()]
        changes, moved = [], []
        for reference in sorted(set(self.references)):
            tag, agreed = tagged(reference), reference.partition("@")[2]
            known, found = before.get(tag, ""), agreed or local.get(listed(tag), "")
            if known and found and known != found and not agreed:
                moved.append(f"  {tag}\n    recorded: {known}\n    now:      {found}")
            elif found and known != found:
                changes.append(Change(tag, known or None, found))
        if moved:
            raise StepRefused(
                facts.where,
                "a tag means another image on this machine than the one that was first used here:\n"
                + "\n".join(moved)
                + "\nNothing was started from it. To take the new one, name it with its digest in the setting images, "
                'as {"nginx": "nginx:1.28.2-alpine@sha256:…"}; to keep the old one, name that.',
            )
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Record them beside those that are there."""
        digests = dict(recorded(host.ask([RECORD])))
        digests |= {change.attribute: str(change.after) for change in changes}
        host.write(RECORD.path, (json.dumps(digests, indent=2, sort_keys=True) + "\n").encode())
