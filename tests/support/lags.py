"""Lags: for how long EC2 does not show what was just made, in the tests of runs that die."""

from __future__ import annotations

from typing import Final

from dify_aws.offline.corrections.visibility import KINDS

UNPROTECTED: Final = ("vpc", "internet-gateway", "elastic-ip")
"""Have neither a client token nor a name: where a run dies and the next one looks before AWS shows them, two are made.
That is the one hole (docs/how-it-works.md), and test_client_tokens.py shows it; here they are seen at once."""

RETRY_RULES: Final = {kind: 5.0 for kind in KINDS if kind not in UNPROTECTED}
"""Seconds by kind, as ``World.lags`` takes them: longer than a process needs to die and another one to look."""
