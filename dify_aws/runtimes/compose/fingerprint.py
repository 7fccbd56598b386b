"""Fingerprint: short digests of everything that is rendered for one Dify, small enough for the tags of its machine.

A plan reads AWS only, and AWS knows nothing of what is on the machine. So the machine carries, as tags, what was last
installed and proved on it; a plan renders again and compares. No secret takes part: secrets have fixed values here, and
of a variable that looks like one only its name counts.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Self

from dify_aws.dify.known_releases import release_of
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.bundle import Bundle, references
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.environment import environment
from dify_aws.settings import Settings

TAG: Final = "dify-aws:dify"
"""The tag with the release. The digests are in ``dify-aws:dify-<part>-<number>``."""

UNFINISHED: Final = "installing"
"""What the tag says from the first change of an installation to its last: a run that failed or was killed leaves it."""

PARTS: Final = ("variables", "files", "services", "images")
DIGEST_LENGTH: Final = 4
"""Characters of base64, 24 bits: one change in 16 million goes unseen, and nothing is learned of what was digested."""

LONGEST_TAG: Final = 240
"""EC2 takes 256 characters; a multiple of the length of a digest."""

_SECRET: Final = re.compile(r"(KEY|PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|PEPPER|DSN|AUTH|PRIVATE)", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """The digests of one Dify: of each variable, file, service and image, by its name.

    Attributes:
        release: the release of Dify.
        parts: digests by name, by part (one of :data:`PARTS`).
        unseen: variables whose values take no part, because they may be secrets.
    """

    release: str
    parts: Mapping[str, Mapping[str, str]] = field(repr=False)
    unseen: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings, outputs: Outputs) -> Self:
        """The fingerprint of what an installation with these settings would render.

        Args:
            settings: what is desired.
            outputs: of the environment in AWS.
        """
        https = settings.domain is not None
        secrets = DifySecrets.placeholders()
        unseen = tuple(sorted(name for name in settings.env if looks_secret(settings, name)))
        groups = environment(settings, outputs, secrets, https=https)
        variables = {name: value for group in groups.values() for name, value in group.items()}
        variables.update(dict.fromkeys(unseen, ""))
        bundle = Bundle.render(settings, outputs, secrets, https=https)
        files = {path: file.text for path, file in bundle.files.items() if path != ".env"}
        named = {
            "variables": variables,
            "files": files,
            "services": _services(files["compose.yaml"], variables),
            "images": dict.fromkeys(references(settings), ""),
        }
        return cls(
            release=release_of(settings.dify_version, settings.release).version,
            parts={
                part: {name: _digest(outputs.instance_id, part, name, text) for name, text in each.items()}
                for part, each in named.items()
            },
            unseen=unseen,
        )

    def tags(self) -> dict[str, str]:
        """The tags in which the machine carries it; those that an earlier one needed and this does not are empty."""
        tags = {TAG: self.release}
        for part, digests in self.parts.items():
            text = "".join(sorted(digests.values()))
            pieces = [text[start : start + LONGEST_TAG] for start in range(0, len(text), LONGEST_TAG)]
            tags |= {f"{TAG}-{part}-{number}": piece for number, piece in enumerate(pieces, 1)}
        return tags


@dataclass(frozen=True)
class Installed:
    """What the tags of a machine say of the Dify on it. Others can write them: what makes no sense is no digest.

    Attributes:
        release: the release that was last installed and proved.
        digests: the digests of that time, by part.
        finished: False from the first change of an installation to its last.
    """

    release: str
    digests: Mapping[str, frozenset[str]] = field(repr=False)
    finished: bool = True

    @classmethod
    def read(cls, tags: Mapping[str, str]) -> Self | None:
        """What the tags say; None if nothing was ever installed to its end.

        Args:
            tags: of the machine.
        """
        if not (text := tags.get(TAG, "")):
            return None
        state, _, release = text.rpartition(" ")
        digests = {
            part: frozenset(
                value[start : start + DIGEST_LENGTH]
                for name, value in tags.items()
                if name.startswith(f"{TAG}-{part}-")
                for start in range(0, len(value), DIGEST_LENGTH)
            )
            for part in PARTS
        }
        return cls(release, digests, finished=state != UNFINISHED)


def looks_secret(settings: Settings, name: str) -> bool:
    """Whether the value of a variable of ``env`` may be a secret, by the record of the release and by its name.

    Args:
        settings: with the release.
        name: of the variable.
    """
    variable = release_of(settings.dify_version, settings.release).variables.get(name)
    return bool((variable and variable.secret) or _SECRET.search(name))


def _services(compose: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The definition of each service as Compose would see it, with the values of its variables in it."""
    import yaml  # only a plan of an installed Dify needs it

    # With libyaml ten times faster; a build of PyYAML without it exists.
    document: dict[str, Any] = (
        yaml.load(compose, Loader=yaml.CSafeLoader) if hasattr(yaml, "CSafeLoader") else yaml.safe_load(compose)
    )

    def value(found: re.Match[str]) -> str:
        return variables.get(found[1], found[0])

    return {
        name: _REFERENCE.sub(value, json.dumps(definition, sort_keys=True, default=str))
        for name, definition in document["services"].items()
    }


def _digest(*parts: str) -> str:
    """Salted with the machine, so that no table made beforehand fits."""
    return urlsafe_b64encode(sha256("\0".join(parts).encode()).digest())[:DIGEST_LENGTH].decode()
