"""NamedResource: what the kinds have in common that AWS knows by a name of ours and not by an id of its own.

They are found by that name, which shows them at once, and a thing of another owner under the same name is seen before
anything is done (``NotOurs``). To find what is ours but no longer wished for, AWS's index of tags is asked, which lags
some minutes behind: so what it lists is looked at by name before it is believed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAG_ADDRESS, TAG_DEPLOYMENT, TAGS, tag_map
from dify_aws.aws.physical_name import physical_name
from dify_aws.engine.resource import Actual, Resource, kinds
from dify_aws.errors import FixedAttribute, NotOurs

INDEX: Final = "index"


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedResource(Resource):
    """A kind whose identity is a name."""

    origin_required = True
    indexed_as: ClassVar[str]
    """The service under which AWS's index of tags lists this kind; a kind with its own ``owned`` needs none.
    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html (ResourceTypeFilters)"""

    in_arn: ClassVar[str]
    """How the ARNs of this kind go on after the partition ("s3:::")."""

    adoptable: ClassVar[bool] = True
    """Whether a thing of this kind that was made by other means can be adopted."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.shared_listing = cls.owned.__func__ is NamedResource.owned.__func__  # type: ignore[attr-defined]
        if cls.shared_listing and not hasattr(cls, "indexed_as"):
            raise TypeError(f"{cls.__name__} is found by AWS's index of tags and does not say under which service")

    @abstractmethod
    def named(self, aws: Aws) -> str:
        """Its name in AWS."""

    @classmethod
    @abstractmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        """The thing of this name, whoever owns it: its address is empty if it carries no tags of ours."""

    def find(self, aws: Aws) -> Actual | None:
        name = self.named(aws)
        # Once: another thread may change things of this kind meanwhile, and a second reading would be another answer.
        actual = self.look(aws, name)
        if actual is not None and self.is_interrupted_creation(aws, actual):
            return replace(actual, address=self.address, keep=self.keep)
        # What this very run made is ours, also where an emulator of AWS has dropped its tags: they are put on again.
        untagged = actual is not None and not actual.tags and aws.has_made(name)
        if actual is not None and not untagged and not self.fulfilled_by(aws, actual):
            owner = actual.tags.get(TAG_DEPLOYMENT)
            adopt = name if self.adoptable else None
            raise NotOurs(self.address, f"the {self.kind} {name}", aws.deployment, owner=owner, adopt=adopt)
        if actual is None:
            for other in self.owned(aws):
                if other.address == self.address:
                    raise FixedAttribute(self.address, "name", other.id, name)
        return actual

    def is_interrupted_creation(self, aws: Aws, actual: Actual) -> bool:
        """Whether a thing of this name is one that a killed run of ours has created and not tagged.

        Args:
            aws: the client.
            actual: the thing, which may be anybody's.
        """
        del aws, actual
        return False

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for arn in index(aws):
            if cls.in_arn in arn:
                actual = cls.look(aws, cls.name_in(arn))
                if actual is not None and actual.tags.get(TAG_DEPLOYMENT) == aws.deployment and actual.address:
                    yield actual

    @classmethod
    def name_in(cls, arn: str) -> str:
        """The name that an ARN of this kind holds."""
        return arn.rpartition(":")[2]

    @classmethod
    def foreign(cls, aws: Aws, actual: Actual, desired: Resource | None) -> str:
        """Nobody can rename a thing in AWS, so a name that we give says more than a tag."""
        name = cls.name_of(actual)
        if isinstance(desired, NamedResource) and desired.named(aws) == name:
            return ""
        return "" if cls.our_form(aws, name) else f"dify_aws gives no such name as {name}: only its tags are ours"

    @classmethod
    def name_of(cls, actual: Actual) -> str:
        """The name of a thing that was found."""
        return actual.id

    @classmethod
    def our_form(cls, aws: Aws, name: str) -> bool:
        """Whether a name looks as those that we give to things of this kind in this deployment."""
        return name.startswith((physical_name(aws.deployment, ""), f"{aws.deployment}/", f"/{aws.deployment}/"))

    def fulfilled_by(self, aws: Aws, actual: Actual) -> bool:
        """Whether a thing of this name is ours, and the one that is meant."""
        return actual.tags.get(TAG_DEPLOYMENT) == aws.deployment and actual.address == self.address


def indexed_services() -> list[str]:
    """The services that the index is asked for: those of all kinds that are found by it, and no other."""
    named = [cls for cls in kinds().values() if issubclass(cls, NamedResource)]
    return sorted({cls.indexed_as for cls in named if hasattr(cls, "indexed_as")})


def index(aws: Aws) -> Mapping[str, dict[str, str]]:
    """The tags of everything that AWS's index of tags lists under our deployment, by ARN; one call a run."""

    def ask() -> dict[str, dict[str, str]]:
        found = aws.pages(
            "resourcegroupstaggingapi.GetResources",
            "ResourceTagMappingList",
            TagFilters=[{"Key": TAG_DEPLOYMENT, "Values": [aws.deployment]}],
            ResourceTypeFilters=indexed_services(),
        )
        # The ARN of a log group is told with ":*" behind it, or without, depending on who is asked.
        return {each["ResourceARN"].removesuffix(":*"): tag_map(each["Tags"]) for each in found}

    return aws.read_cache.read(INDEX, ask)


def tags_of(aws: Aws, name: str, arn: str, ask: Callable[[], object]) -> dict[str, str]:
    """The tags of one thing: from the index when they are in it, else (it lags) from the service itself.

    Only tags that are all as we would put them are believed: the rest is asked for, so that what was just mended or
    just spoiled is seen as it is.
    """
    indexed = indexed_tags(aws, arn)
    return tag_map(aws.read_cache.read(TAGS, ask, name)) if indexed is None else indexed


def indexed_tags(aws: Aws, arn: str) -> dict[str, str] | None:
    """The tags of one thing from the index; None where it lacks it, or some of our tags are not as they should be."""
    indexed = index(aws).get(arn, {})
    address = indexed.get(TAG_ADDRESS)
    return indexed if address and aws.ownership(address, keep=False).items() <= indexed.items() else None
