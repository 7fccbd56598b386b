"""SameSecrets: the data on this machine was made with the secrets at hand. With others, Dify could not read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.steps.path import AtPath
from dify_aws.runtimes.compose.paths import DATA

MARK: Final = AtPath(f"{DATA}/made-with")
"""On the data volume, beside what it is about: whoever takes up the volume later finds both."""

DATABASE: Final = AtPath(f"{DATA}/postgres/pgdata/PG_VERSION")


@dataclass(frozen=True, kw_only=True)
class SameSecrets:
    """A mark on the data volume that says which secrets its data was made with.

    Args:
        mark: what is written there for the secrets at hand, which nobody finds them from.
        needs: the steps before it; None is all that stand before it in the list.
    """

    mark: str
    needs: Sequence[str] | None = None

    name = "secrets"

    def facts(self) -> Sequence[Fact[Any]]:
        return (MARK, DATABASE)

    def check(self, facts: Facts) -> Sequence[Change]:
        """The mark, if there is none yet.

        Raises:
            StepRefused: the data was made with other secrets.
        """
        there = facts[MARK].kind == "file"
        if facts[MARK].data.decode(errors="replace").strip() == self.mark:
            return ()
        if there or facts[DATABASE].kind == "file":
            raise StepRefused(
                facts.where,
                f"the data below {DATA} was made with other secrets than those in AWS Secrets Manager: Dify could "
                "neither log in to its database nor read what it has encrypted. Nothing was changed.\n"
                "Bring the right ones back into the secret whose name ends in /application: an earlier version of it "
                "(aws secretsmanager list-secret-version-ids), one that was deleted (restore-secret), or a backup of "
                "/opt/dify/.env. If the data may go, empty the volume and run again.",
            )
        return (Change("data", None, "made with these secrets"),)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Write the mark, before any data is."""
        host.write(MARK.path, f"{self.mark}\n".encode(), mode=0o600)
