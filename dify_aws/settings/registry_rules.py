"""Rules for a registry of one's own: where the images are, and where the login to it is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dify_aws.errors import Problem
from dify_aws.settings.host_names import LABEL
from dify_aws.settings.rules import Broken, text

_REGISTRY: Final = re.compile(
    rf"(?=[^/]*[.:]){LABEL}(\.{LABEL})*(:\d{{1,5}})?"
    r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
_SECRET: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_OURS: Final = frozenset({"application", "ssh-private-key", "ssh-public-key"})


def image_registry(value: object) -> str:
    """A registry that has copies of all images, with what their names begin with there."""
    written = text(value).removesuffix("/")
    if "://" in written or not _REGISTRY.fullmatch(written):
        right = 'Write its host and what names begin with there, like "registry.example.com/mirror", without https://'
        raise Broken(("is no registry", right))
    return written


def registry_secret(value: object) -> str:
    """The name of a secret in AWS Secrets Manager."""
    if not _SECRET.fullmatch(written := text(value)):
        right = "Write its name, not its ARN, nor what is in it: letters, digits and /_+=.@-"
        raise Broken(("is no name of a secret in AWS Secrets Manager", right))
    return written


def readable(values: Mapping[str, Any]) -> Iterator[Problem]:
    """The login is for a registry, and it is kept where whoever may deploy this environment may read, and no other."""
    if values.get("registry_secret") is None or not {"image_registry", "project", "environment"} <= values.keys():
        return
    name, prefix = values["registry_secret"], f"{values['project']}/{values['environment']}/"
    if values["image_registry"] is None:
        yield Problem("registry_secret", name, "is given without its registry", "Give image_registry, too")
    if not name.startswith(prefix) or name.removeprefix(prefix) in ("", *_OURS):
        right = f'Name it "{prefix}registry": the policies of this environment let nobody read another'
        yield Problem("registry_secret", name, "is no secret that a deployment of this environment may read", right)
