"""KeyPair: the public half of an SSH key, known to EC2 so that a new instance lets its owner in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dify_aws.aws import Aws
from dify_aws.engine.resource import Actual, Input, only
from dify_aws.errors import NotOurs
from dify_aws.resources.deletion import delete
from dify_aws.resources.ec2.ec2_resource import Ec2Resource
from dify_aws.resources.observe import observe_owned


@dataclass(frozen=True, kw_only=True, eq=False)
class KeyPair(Ec2Resource):
    """An imported key pair. Its id is its name, which is what an instance asks for.

    Args:
        public_key: in OpenSSH's form, "ssh-ed25519 AAAA…". Another one is imported in its place: instances that run
            keep the key they were started with.
    """

    public_key: Input[str]

    kind = "key-pair"
    free = True
    already_exists = frozenset({"InvalidKeyPair.Duplicate"})
    tables = ("key-pairs",)
    permissions = frozenset({"ec2:CreateTags", "ec2:DeleteKeyPair", "ec2:DescribeKeyPairs", "ec2:ImportKeyPair"})

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for pair in _all(aws):
            if seen := _seen(aws, pair):
                yield seen

    def find(self, aws: Aws) -> Actual | None:
        # The name is unique in a region, so another's key pair can be in the way: all of them are read, in one call.
        name = self._key_name(aws)
        for pair in _all(aws):
            if pair["KeyName"] == name and _seen(aws, pair) is None:
                raise NotOurs(self.address, f"the key pair {name}", aws.deployment)
        return only(self.address, [actual for actual in self.owned(aws) if actual.address == self.address])

    def create(self, aws: Aws) -> Actual | None:
        answer = aws.create(
            "ec2.ImportKeyPair",
            self.address,
            keep=self.keep,
            KeyName=self._key_name(aws),
            PublicKeyMaterial=str(self.public_key).encode(),
        )
        return self.made(aws, answer["KeyName"], {"key_pair_id": answer["KeyPairId"]})

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "public_key" in names:
            self.delete(aws, actual)
            self.create(aws)

    def retag(self, aws: Aws, actual: Actual, tags: Any) -> None:
        super().retag(aws, Actual(address=actual.address, id=actual["key_pair_id"]), tags)

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "ec2.DeleteKeyPair", KeyName=actual.id)

    def _key_name(self, aws: Aws) -> str:
        return aws.physical_name(self.address)


def _all(aws: Aws) -> list[dict[str, Any]]:
    return aws.read_cache.read(
        "key-pairs", lambda: aws.pages("ec2.DescribeKeyPairs", "KeyPairs", IncludePublicKey=True)
    )


def _seen(aws: Aws, pair: dict[str, Any]) -> Actual | None:
    values = {"public_key": " ".join(pair.get("PublicKey", "").split()[:2])}
    return observe_owned(KeyPair, aws, pair["KeyName"], pair.get("Tags"), values, key_pair_id=pair["KeyPairId"])
