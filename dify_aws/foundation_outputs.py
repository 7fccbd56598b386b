"""FoundationOutputs: where everything of a foundation is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from dify_aws.aws import Aws
from dify_aws.engine.resource import Actual
from dify_aws.errors import DifyAwsError
from dify_aws.github_access import DEPLOY
from dify_aws.presentation import JsonMixin
from dify_aws.topologies.foundation import GITHUB, lock_table_name


@dataclass(frozen=True, kw_only=True)
class FoundationOutputs(JsonMixin):
    """Where everything of the foundation is.

    ``github_roles`` has for each environment the role that is its ``AWS_ROLE_ARN`` in GitHub; ``plan_role`` is that of
    pull requests.
    """

    state_bucket: str
    lock_table: str
    github_roles: Mapping[str, str] = field(default_factory=dict)
    plan_role: str | None = None
    oidc_provider: str | None = None
    trail: str | None = None
    trail_bucket: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        roles = {f"role of {environment}": arn for environment, arn in self.github_roles.items()}
        lines = {name.replace("_", " "): value for name, value in self.to_dict().items() if isinstance(value, str)}
        width = max(map(len, lines | roles))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in (lines | roles).items())

    @classmethod
    def of(cls, found: Mapping[str, Actual | None], aws: Aws, project: str) -> Self:
        """The outputs of a foundation that was found.

        Args:
            found: by address what is there; None is what is not.
            aws: the account and region of the foundation.
            project: the first part of every name.

        Raises:
            DifyAwsError: some of it is not there.
        """
        missing = sorted(address for address, actual in found.items() if actual is None)
        if missing:
            where = f"{aws.deployment} in {aws.region}"
            raise DifyAwsError(f"{where} is not complete: no {', '.join(missing)}. apply() makes it.")
        ids = {address: actual.id for address, actual in found.items() if actual is not None}
        roles = {
            address.removeprefix(f"role/{DEPLOY}"): id
            for address, id in ids.items()
            if address.startswith(f"role/{DEPLOY}")
        }
        return cls(
            state_bucket=ids["bucket/state"],
            lock_table=lock_table_name(project),
            github_roles=roles,
            plan_role=ids.get("role/plan"),
            oidc_provider=aws.arn("iam", f"oidc-provider/{GITHUB}", region="") if roles else None,
            trail=ids.get("trail/calls"),
            trail_bucket=ids.get("bucket/calls"),
        )
