"""Facts of a release for tests/dify/upstream: ``python -m tests.support.upstream_facts CHECKOUT``.

Names and defaults only, and of a secret the name only: what upstream publishes stays there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from dify_aws.dify.drafts.secret_names import is_secret
from dify_aws.dify.upstream.facts import Upstream
from dify_aws.dify.upstream.reading import read_checkout

FOLDER: Final = Path(__file__).parents[1] / "dify" / "upstream"


def facts_of(upstream: Upstream) -> dict[str, Any]:
    """The variables with their defaults, the names of the secrets among them, and the names of the services."""
    secrets = {name for name in upstream.variables if is_secret(name)}
    return {
        "variables": {name: "" if name in secrets else each.default for name, each in upstream.variables.items()},
        "secrets": sorted(secrets),
        "services": sorted(upstream.services),
    }


if __name__ == "__main__":
    found = read_checkout(sys.argv[1])
    text = json.dumps(facts_of(found), indent=0, ensure_ascii=False) + "\n"
    FOLDER.joinpath(f"{found.version}.json").write_text(text, encoding="utf-8")
