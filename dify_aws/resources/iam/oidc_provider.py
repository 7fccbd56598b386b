"""OidcProvider: whose tokens IAM believes, so that a pipeline needs no key of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAG_DEPLOYMENT, tag_list, tag_map
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.engine.resource import Actual, Resource, foreign_name_tag
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource
from dify_aws.resources.observe import observe

TAG_REGION: Final = "dify-aws:region"
"""An account has one provider for a URL, in all regions; of two deployments of one name in two regions, one has it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OidcProvider(NamedResource):
    """An OpenID Connect provider of IAM. Its id is its ARN; an account has at most one for each URL.

    IAM checks the certificate of the provider by itself, so no thumbprint is given.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html

    Args:
        url: who issues the tokens, without https://, as "token.actions.githubusercontent.com".
        client_ids: for whom they are issued (the audiences).
    """

    url: str
    client_ids: Iterable[str] = ("sts.amazonaws.com",)

    kind = "oidc-provider"
    free = True
    initial = frozenset({"url"})
    unordered = frozenset({"client_ids"})
    tables = ("oidc-providers",)
    origin_required = False
    in_arn = ":oidc-provider/"
    permissions = frozenset(
        {
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:CreateOpenIDConnectProvider",
            "iam:DeleteOpenIDConnectProvider",
            "iam:GetOpenIDConnectProvider",
            "iam:ListOpenIDConnectProviders",
            "iam:RemoveClientIDFromOpenIDConnectProvider",
            "iam:TagOpenIDConnectProvider",
        }
    )

    @classmethod
    def foreign(cls, aws: Aws, actual: Actual, desired: Resource | None) -> str:
        # Its name is the address of somebody else, and the same for everybody.
        return foreign_name_tag(aws, actual)

    def named(self, aws: Aws) -> str:
        return self.url

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        # AWS's index of tags has it in one region only.
        def ask() -> list[str]:
            listed = aws.call("iam.ListOpenIDConnectProviders")["OpenIDConnectProviderList"]
            return [each["Arn"] for each in listed]

        for arn in aws.read_cache.read("oidc-providers", ask):
            actual = cls.look(aws, arn.partition(cls.in_arn)[2])
            if actual is not None and actual.address and _is_ours(aws, actual):
                yield actual

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        return aws.read_cache.read("oidc-providers", lambda: _look(aws, name), name)

    def create(self, aws: Aws) -> Actual | None:
        answer = aws.create(
            "iam.CreateOpenIDConnectProvider",
            self.address,
            keep=self.keep,
            tags={TAG_REGION: aws.region},
            Url=f"https://{self.url}",
            ClientIDList=sorted(self.client_ids),
        )
        return self.made(aws, answer["OpenIDConnectProviderArn"])

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "client_ids" in names:
            desired, provider = frozenset(self.client_ids), actual.id
            for each in sorted(desired - actual["client_ids"]):
                aws.call("iam.AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=provider, ClientID=each)
            for each in sorted(actual["client_ids"] - desired):
                aws.call(
                    "iam.RemoveClientIDFromOpenIDConnectProvider", OpenIDConnectProviderArn=provider, ClientID=each
                )

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("iam.TagOpenIDConnectProvider", OpenIDConnectProviderArn=actual.id, Tags=tag_list(tags))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "iam.DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=actual.id)

    def fulfilled_by(self, aws: Aws, actual: Actual) -> bool:
        return actual.address == self.address and _is_ours(aws, actual)


def _is_ours(aws: Aws, actual: Actual) -> bool:
    return (actual.tags.get(TAG_DEPLOYMENT), actual.tags.get(TAG_REGION)) == (aws.deployment, aws.region)


def _look(aws: Aws, url: str) -> Actual | None:
    arn = aws.arn("iam", f"oidc-provider/{url}", region="")
    try:
        answer = aws.call("iam.GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    except AwsError as error:
        if not is_deleted(error):
            raise
        return None
    values = {"client_ids": frozenset(answer["ClientIDList"])}
    return observe(OidcProvider, arn, tag_map(answer.get("Tags", [])), values, url=answer["Url"])
