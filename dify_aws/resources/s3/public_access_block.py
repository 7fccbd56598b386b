"""PublicAccessBlock: what S3 forbids in every bucket of the account, whatever the bucket itself says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.engine.fact import Fact
from dify_aws.engine.resource import Actual
from dify_aws.errors import AwsError
from dify_aws.resources.s3.bucket_settings import PUBLIC_ACCESS_BLOCKS


@dataclass(frozen=True, kw_only=True, eq=False)
class PublicAccessBlock(Fact):
    """The public access block of the account, which is there in every account. Its id is that of the account.

    It carries no tags, so nobody can tell who switched it on, and who relies on it: it is only ever tightened. What
    others switched on stays on, and destroy() leaves it as it is.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html

    Args:
        blocks: which of the four blocks are to be on; all of them by default.
    """

    blocks: Iterable[str] = PUBLIC_ACCESS_BLOCKS

    kind = "public-access-block"
    free = True
    unordered = frozenset({"blocks"})
    tables = ("public-access-block",)
    permissions = frozenset({"s3:GetAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock"})

    @classmethod
    def desired_fields(cls) -> tuple[str, ...]:
        return ("blocks",)

    def find(self, aws: Aws) -> Actual | None:
        on = aws.read_cache.read("public-access-block", lambda: _on(aws))
        # What is on and not wished for is none of our business.
        return Actual(address=self.address, id=aws.account, values={"blocks": on & frozenset(self.blocks)})

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        # The call says all four, so what is on already is said again, as it is at this moment.
        on = _on(aws) | frozenset(self.blocks)
        blocks = {name: name in on for name in PUBLIC_ACCESS_BLOCKS}
        aws.call("s3control.PutPublicAccessBlock", AccountId=aws.account, PublicAccessBlockConfiguration=blocks)


def _on(aws: Aws) -> frozenset[str]:
    try:
        answer = aws.call("s3control.GetPublicAccessBlock", AccountId=aws.account)
    except AwsError as error:
        if error.code != "NoSuchPublicAccessBlockConfiguration":
            raise
        return frozenset()
    return frozenset(name for name, on in answer["PublicAccessBlockConfiguration"].items() if on)
