"""GithubAccess: which workflows of a repository on GitHub get which role in AWS, and what each role may do.

Each environment has a role of its own, which the jobs of the environment of that name in GitHub may take, and nobody
else: so the reviewers of ``prod`` are asked before anything can touch it. Pull requests get at most a role that reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws.physical_name import physical_name
from dify_aws.errors import Problem
from dify_aws.iam_policies.policy_document import joined, size
from dify_aws.permissions import Permissions, Policies, permissions
from dify_aws.settings import Settings, deployment_rules
from dify_aws.settings.aws_rules import NO_BOUNDARY
from dify_aws.settings.rules import Broken
from dify_aws.topologies.account import Account
from dify_aws.topologies.foundation import GithubRole, team_policy

REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
PLAIN: Final = re.compile(r"[^\s*?:$]+")
"""A name without anything that means more in a policy of IAM, or in a token of GitHub."""

INLINE_POLICIES: Final = 10_240
"""Characters that all inline policies of a role may have together.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


DEPLOY: Final = "deploy-"
"""What the roles of environments are called in the foundation, before the name of the environment."""


@dataclass(frozen=True, kw_only=True)
class GithubAccess:
    """Who gets in from GitHub.

    Args:
        repository: "owner/name".
        project: the first part of the name of each deployment.
        environments: each has a role, which jobs in the environment of GitHub of the same name may take.
        branches: by environment a branch whose workflows may take its role, too.
        pull_requests: whether workflows of pull requests may take a role that reads all of these environments.
        policies: by environment what its role may do, beside locks and records; None: all that the workflow does.
        existing: settings whose network and image are there already.
        owner_id, repository_id: the ids that GitHub knows both by, which tokens hold since July 2026; None: only names.
        boundary: the permissions boundary, without which no role of theirs makes another.
    """

    repository: str
    project: str
    environments: Collection[str]
    branches: Mapping[str, str]
    pull_requests: bool
    policies: Mapping[str, Policies] | None
    existing: Settings | None
    owner_id: int | None = None
    repository_id: int | None = None
    boundary: str | None = None

    def problems(self) -> Iterator[Problem]:
        """What is wrong with it; every problem at once."""
        if not REPOSITORY.fullmatch(self.repository):
            yield Problem(
                "github_repository", self.repository, "is no repository of GitHub", 'Write it as "owner/name"'
            )
        yield from self._id_problems()
        for name in self._names:
            field = "environments" if name in self.environments else "branches"
            try:
                deployment_rules.environment(name)
            except Broken as broken:
                for wrong, right in broken.faults:
                    yield Problem(field, name, wrong, right)
        for branch in self.branches.values():
            if not PLAIN.fullmatch(branch):
                yield Problem(
                    "branches", branch, "is no name of one branch", 'Write one like "main", without wildcards'
                )
        for name in sorted((self.policies or {}).keys() - set(self._names)):
            yield Problem("policies", name, "is no environment that has a role", "Name it in environments, too")
        if not self._names:
            yield Problem("environments", (), "is empty", "Name one whose jobs may deploy, or leave the repository out")

    def roles(self, account: Account) -> list[GithubRole]:
        """The roles, as the foundation makes them."""
        roles = [self._role(name, account) for name in self._names]
        if self.pull_requests:
            reading = joined(*(self._permissions(name, account).reader["reader"] for name in self._names))
            roles.append(GithubRole("plan", None, self._subjects(["pull_request"]), {"plan": reading}))
        return roles

    def notes(self) -> Iterator[str]:
        """What a person should know before it is made."""
        if self.owner_id is None:
            yield (
                "Repositories that were made, renamed or moved since 2026-07-15 send ids with their names, and without "
                "them cannot take the roles: give github_owner_id and github_repository_id "
                f"(`gh api repos/{self.repository} --jq '.owner.id, .id'`)."
            )
        for environment, branch in self.branches.items():
            if environment in self.environments:
                yield f"Workflows on {branch} deploy {environment} without asking whoever approves it in GitHub."
        if len(self._names) > 1 and self.policies is None and self.boundary in (None, NO_BOUNDARY):
            yield (
                "Each role can give the machine of its environment any right in the account, and so get round whoever "
                "approves the others. permissions_boundary prevents that."
            )

    def too_long(self, account: Account) -> Iterator[Problem]:
        """The roles whose policies AWS would not take."""
        for role in self.roles(account):
            if (characters := sum(size(document) for document in role.policies.values())) > INLINE_POLICIES:
                wrong = f"needs policies of {characters:,} characters, and a role takes {INLINE_POLICIES:,}"
                right = "Choose shorter names of project and environments, or fewer environments, or give policies"
                yield Problem("environments", role.name, wrong, right)

    @property
    def _names(self) -> list[str]:
        return list(dict.fromkeys([*self.environments, *self.branches]))

    def _role(self, name: str, account: Account) -> GithubRole:
        claims = [f"environment:{name}"] if name in self.environments else []
        claims += [f"ref:refs/heads/{self.branches[name]}"] if name in self.branches else []
        policies: dict[str, Mapping[str, Any]] = dict(self._permissions(name, account).github)
        if self.policies is not None:
            policies = {"team": team_policy(self.project, name, account), **self.policies.get(name, {})}
        # Under the path of the foundation, with a name that says whose it is: IAM's names are short.
        role_name = physical_name(f"{self.project}/{name}", "github", account.region)
        return GithubRole(f"{DEPLOY}{name}", role_name, self._subjects(claims), policies)

    def _subjects(self, claims: Collection[str]) -> tuple[str, ...]:
        """What the tokens of these jobs call them: by names, and by names with ids where those are known.

        https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
        """
        repositories = [self.repository]
        if self.owner_id is not None:
            owner, _, name = self.repository.partition("/")
            repositories.append(f"{owner}@{self.owner_id}/{name}@{self.repository_id}")
        return tuple(f"repo:{repository}:{claim}" for repository in repositories for claim in claims)

    def _id_problems(self) -> Iterator[Problem]:
        ids = {"github_owner_id": self.owner_id, "github_repository_id": self.repository_id}
        for field, id in ids.items():
            if id is not None and not re.fullmatch(r"[1-9][0-9]{0,18}", str(id)):
                yield Problem(field, id, "is no id of GitHub", f"`gh api repos/{self.repository}` tells it, as 123456")
            elif id is None and any(other is not None for other in ids.values()):
                yield Problem(field, id, "is missing", "GitHub puts both ids into its tokens: give both, or none")

    def _permissions(self, name: str, account: Account) -> Permissions:
        settings = self.existing or Settings(environment=name)
        settings = settings.replace(
            environment=name, project=self.project, region=account.region, permissions_boundary=self.boundary
        )
        return permissions(settings, account.id)
