"""Foundation: what an account needs once, and the verbs you use on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dify_aws.aws import Aws, Session
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.engine.applied import Applied
from dify_aws.engine.plan import Plan
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.errors import Problem, SettingsError
from dify_aws.events import Listener, quiet
from dify_aws.foundation_outputs import FoundationOutputs
from dify_aws.github_access import GithubAccess
from dify_aws.operations.workflow import ENVIRONMENTS
from dify_aws.permissions import Policies
from dify_aws.resources import OidcProvider, PublicAccessBlock
from dify_aws.resources.s3.bucket_settings import PUBLIC_ACCESS_BLOCKS
from dify_aws.settings import Settings, aws_rules, deployment_rules
from dify_aws.settings.rules import Broken, optional
from dify_aws.topologies.account import Account
from dify_aws.topologies.foundation import AUDIENCE, GITHUB, foundation, foundation_name


class Foundation:
    """What all environments of a project share in one account and region.

    The bucket for the records of deployments, the table of locks, who may deploy from GitHub Actions without a key, the
    record of all API calls, and S3's public access block for the whole account. An environment needs none of it to be
    made; with it, a team can work on it together.

    Args:
        region: the region; without one, that of the session.
        github_repository: "owner/name": its workflows may take the roles. None: no roles, no provider.
        session: a ``boto3.Session``; without one, boto3's default chain.
        listener: receives each event as it happens.
        environments: each has a role that deploys this environment and no other. It is for jobs in the environment of
            GitHub of the same name, which can have rules of its own (who approves).
        github_owner_id: the id of the owner in GitHub. Tokens of repositories that were created, renamed or moved
            since 2026-07-15 contain both ids; with both given, tokens with and without are trusted.
        github_repository_id: the id of the repository in GitHub.
        branches: by environment the name of a branch: workflows that run on it may take the role of that environment
            too, without asking whoever approves in GitHub.
        pull_requests: make a role for pull requests that plans all these environments; it changes nothing, and reads
            no secret.
        project: the first part of every name; the same as in Settings.
        policies: by environment what its role may do, by name, as documents of IAM; taking its lock and writing its
            records goes without saying. None: deploy that environment (:func:`~dify_aws.permissions`).
        existing: settings whose network and image are there already, for the roles that use them.
        permissions_boundary: the ARN of a managed policy that limits the roles, and every role that they make; None:
            that of ``existing``.
        trail: record every call to AWS's API in all regions, for a year. False relies on another trail, such as that of
            an organization: a second one costs 2 USD for each 100,000 events. The plan says whether there is one.
        block_public_access: switch S3's public access block on for the whole account.
        tags: further tags for everything that is made.

    Raises:
        SettingsError: an argument is wrong; every problem at once.
    """

    def __init__(
        self,
        region: str | None = None,
        github_repository: str | None = None,
        session: Session | None = None,
        listener: Listener | None = None,
        *,
        environments: Iterable[str] = ENVIRONMENTS,
        github_owner_id: int | None = None,
        github_repository_id: int | None = None,
        branches: Mapping[str, str] | None = None,
        pull_requests: bool = False,
        project: str = "dify",
        policies: Mapping[str, Policies] | None = None,
        existing: Settings | None = None,
        permissions_boundary: str | None = None,
        trail: bool = True,
        block_public_access: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.project = project
        self.listener = listener or quiet
        if permissions_boundary is None and existing is not None:
            permissions_boundary = existing.permissions_boundary
        self._boundary = permissions_boundary
        self._github = (
            None
            if github_repository is None
            else GithubAccess(
                repository=github_repository,
                project=project,
                environments=tuple(environments),
                branches=dict(branches or {}),
                pull_requests=pull_requests,
                policies=policies,
                existing=existing,
                owner_id=github_owner_id,
                repository_id=github_repository_id,
                boundary=permissions_boundary,
            )
        )
        problems = [*_problems(project, permissions_boundary), *(self._github.problems() if self._github else ())]
        if problems:
            raise SettingsError(problems)
        self.aws = Aws(session, deployment=foundation_name(project), region=region, tags=tags)
        # The id of the account, which nobody has asked for yet, is always as long.
        if self._github and (problems := list(self._github.too_long(Account("0" * 12, "aws", self.aws.region)))):
            raise SettingsError(problems)
        self._trail = trail
        self._block_public_access = block_public_access

    def __repr__(self) -> str:
        return f"<Foundation {self.aws.deployment} in {self.aws.region}>"

    def plan(self) -> Plan:
        """What :meth:`apply` would do. Reads only.

        Raises:
            PlanRefused: some of it cannot be done; every reason at once.
            AwsError: AWS could not be asked.
        """
        return self._stack().plan(self.aws)

    def plan_destroy(self, *, delete_data: bool = False) -> Plan:
        """What :meth:`destroy` would do. Reads only."""
        return self._stack().plan_destroy(self.aws, delete_data=delete_data)

    def apply(self, plan: Plan | None = None) -> FoundationOutputs:
        """Bring it to its desired state. A second run changes nothing; a killed run is resumed by the next.

        A provider for GitHub that the account has already is used as it is, and neither changed nor deleted ever.

        Args:
            plan: a plan that was looked at and agreed to. Nothing is done that it does not show.

        Raises:
            PlanRefused, PlanOutdated: nothing was changed.
            RunFailed: something failed on the way; the next run goes on from there.
        """
        return self._outputs(self._stack().apply(self.aws, plan, listener=self.listener).found)

    def outputs(self) -> FoundationOutputs:
        """The same outputs, found again. Reads only.

        Raises:
            DifyAwsError: there is no foundation, or it is not complete.
        """
        return self._outputs(self._stack().find(self.aws))

    def destroy(self, delete_data: bool = False) -> Applied:
        """Delete it, except for what holds data: the records, the locks, and what CloudTrail has written.

        The public access block of the account stays: it carries no tags, so nobody can tell who relies on it.

        Args:
            delete_data: also delete those. There is no way back, and runs that are at work lose their locks.

        Raises:
            RunFailed: something could not be deleted; the next run goes on from there.
        """
        return self._stack().destroy(self.aws, delete_data=delete_data, listener=self.listener)

    def _stack(self) -> Stack:
        """The desired stack, which depends on what the account has already."""
        self.aws.begin()
        account = Account(self.aws.account, self.aws.partition, self.aws.region)
        theirs = self._their_provider() if self._github else None
        return foundation(
            self.project,
            account,
            roles=self._github.roles(account) if self._github else (),
            own_provider=theirs is None,
            permissions_boundary=self._boundary,
            trail=self._trail,
            block_public_access=self._block_public_access,
            notes=self._notes(theirs),
        )

    def _their_provider(self) -> Actual | None:
        """The provider for GitHub that is not ours."""
        desired = OidcProvider(name="github", url=GITHUB)
        found = OidcProvider.look(self.aws, GITHUB)
        return None if found is None or desired.fulfilled_by(self.aws, found) else found

    def _notes(self, theirs: Actual | None) -> Iterator[str]:
        if theirs is not None:
            yield f"{theirs.id} is there already and not ours: it is used as it is, and never changed or deleted."
            if AUDIENCE not in theirs["client_ids"]:
                yield f"It believes no token for {AUDIENCE}: nobody can take the role until you add that client id."
        if self._github:
            yield from self._github.notes()
        if self._trail:
            yield from self._second_trail()
        if self._block_public_access:
            found = PublicAccessBlock(name="account").find(self.aws)
            if found is not None and len(found["blocks"]) < len(PUBLIC_ACCESS_BLOCKS):
                yield (
                    "No bucket of the account can be public from then on, whoever made it, and destroy() leaves it so. "
                    "block_public_access=False leaves the account as it is."
                )

    def _second_trail(self) -> Iterator[str]:
        """What a trail costs where another one records the same calls: the first copy of them is free, others are not.

        Trails of the organization are listed, too. https://aws.amazon.com/cloudtrail/pricing/
        """
        ours = self.aws.arn("cloudtrail", f"trail/{self.project}--foundation--calls")
        found = self.aws.pages("cloudtrail.DescribeTrails", "trailList", includeShadowTrails=True)
        with reading("trail", "know whether another one records the same calls"):
            others = sorted(str(each["TrailARN"]) for each in found if each["TrailARN"] != ours)
            whose = "the organization" if any(each.get("IsOrganizationTrail") for each in found) else "the account"
        if others:
            yield (
                f"{', '.join(others)} of {whose} may record the same calls already: AWS takes 2 USD for each 100,000 "
                "events that a second trail records. trail=False makes none and relies on the other."
            )

    def _outputs(self, found: Mapping[str, Actual | None]) -> FoundationOutputs:
        return FoundationOutputs.of(found, self.aws, self.project)


def _problems(project: str, boundary: str | None) -> Iterator[Problem]:
    rules = (
        ("project", project, deployment_rules.project),
        ("permissions_boundary", boundary, optional(aws_rules.permissions_boundary)),
    )
    for name, value, rule in rules:
        try:
            rule(value)
        except Broken as broken:
            for wrong, right in broken.faults:
                yield Problem(name, value, wrong, right)
