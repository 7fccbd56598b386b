"""Resource: what is wished for, and four short verbs to make it so.

A wish is frozen. ``find`` only reads. ``create`` makes the bare tagged thing, ``update`` does the rest for new and old
alike, so that a crash between the two is harmless. ``delete`` needs only what was found: the settings may be lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from inspect import isabstract
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self, TypeAlias, TypeVar

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.aws.retry_rule import Retried
from dify_aws.change import Change, Unknown
from dify_aws.errors import Ambiguous

T = TypeVar("T")


@dataclass(frozen=True)
class Ref:
    """An attribute of another resource, known when that one exists. Holding it is the dependency."""

    address: str
    attribute: str

    def __str__(self) -> str:
        return f"{self.address}.{self.attribute}"


Input: TypeAlias = T | Ref | Unknown
"""What a wish may hold: a value, or a reference to one that is not known yet."""


PENDING: Final = Unknown("not shown by AWS yet")
"""In place of a value: AWS leaves it out in its first answers about a new thing. It is no drift, and is waited for."""


@dataclass(frozen=True, kw_only=True)
class Actual:
    """What is there: the thing as AWS tells it.

    ``values`` has one entry for each field that can be wished for (:data:`PENDING` while AWS does not show it);
    ``facts`` what cannot be (an ARN, an address, a state). ``actual["public_ip"]`` reads either.
    """

    address: str
    id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False

    def __getitem__(self, attribute: str) -> Any:
        if attribute == "id":
            return self.id
        return self.values[attribute] if attribute in self.values else self.facts[attribute]

    @property
    def pending(self) -> tuple[str, ...]:
        """The names of the values that AWS does not show yet."""
        return tuple(name for name, value in self.values.items() if value == PENDING)


NOT_DESIRED: Final = frozenset({"name", "keep", "created_after"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource(Retried, ABC):
    """Base of every kind. ``None`` in a field means "I do not care"; everything else is wished for.

    Args:
        name: unique among its kind in a stack; with the kind it is the address ("subnet/public").
        keep: it holds data, so it is never deleted without ``delete_data=True``.
        created_after: the id of a resource (``host.id``) that has to be created before this one is, though nothing of
            it is used. Once this one is there, it means nothing.
    """

    name: str
    keep: bool = False
    created_after: Input[str] | None = None

    kind: ClassVar[str]
    fixed: ClassVar[frozenset[str]] = frozenset()
    """Cannot change in place: refused with the way out, never silently replaced."""
    initial: ClassVar[frozenset[str]] = frozenset()
    """Said at creation and not compared after it."""
    set_later: ClassVar[frozenset[str]] = frozenset()
    """Not used by ``create``, only by ``update``: what these refer to may be made after the thing itself."""
    unordered: ClassVar[frozenset[str]] = frozenset()
    """Order and repetition mean nothing: kept as frozensets."""
    after: ClassVar[frozenset[str]] = frozenset()
    """Kinds that AWS wants to be there first, though no field speaks of them; they go last, too."""
    eventually_consistent: ClassVar[bool] = False
    """AWS may not show a new thing of this kind for some seconds, so a run waits until it does."""
    tables: ClassVar[tuple[str, ...]] = ()
    """What ``find`` reads from the census, and what a change of this kind makes stale."""
    settle_seconds: ClassVar[float] = 30.0
    """How long a change that AWS accepted may take to show."""
    steady_answers: ClassVar[int] = 1
    """How many answers in a row have to show a change that AWS did not show at once, before it counts."""
    goes_after: ClassVar[frozenset[str]] = frozenset()
    """Kinds of which nothing may be left when a thing of this kind is deleted, though AWS would not mind."""
    origin_required: ClassVar[bool] = False
    """Whether a thing is deleted only if more than its tags says that we made it (see :meth:`foreign`)."""
    listed: ClassVar[Listed | None] = None
    """How AWS lists one thing by its id, whoever owns it, where things made by other means can be adopted by it."""
    already_exists: ClassVar[frozenset[str]] = frozenset()
    """Codes with which AWS refuses to create one that exists, beside those of its service (``error_meaning``)."""
    shared_listing: ClassVar[bool] = False
    """Whether ``owned`` reads a list that is read for other kinds anyway: looking for this one costs no call."""
    usual_seconds: ClassVar[Mapping[str, float]] = MappingProxyType({})
    """How long AWS usually takes to create or delete one, where that is long enough to be shown meanwhile."""
    free: ClassVar[bool] = False
    """Whether AWS charges nothing for it, as it is used here. Any other has its lines in the bill."""
    permissions: ClassVar[frozenset[str]] = frozenset()
    """Every IAM action that the verbs of this kind need."""

    def __post_init__(self) -> None:
        for name in self.unordered:
            value = getattr(self, name)
            if value is not None and not isinstance(value, Ref | Unknown):
                object.__setattr__(self, name, frozenset(value))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}>"

    @property
    def address(self) -> str:
        """``kind/name``: in the stack, in the tags, in every message."""
        return f"{self.kind}/{self.name}"

    @property
    def id(self) -> Ref:
        """Give this to a field of another resource: that is the dependency."""
        return self.ref("id")

    def ref(self, attribute: str) -> Ref:
        """Like :attr:`id`, for any attribute that ``find`` tells."""
        return Ref(self.address, attribute)

    # The verbs -------------------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        """Everything of this kind that carries the deployment's tag. Reads only, through the census."""

    def find(self, aws: Aws) -> Actual | None:
        """The thing that fulfils this wish, or None. Reads only, and needs no other resource.

        Raises:
            Ambiguous: two things carry this address.
            NotOurs: the name is taken by a thing without our tag.
        """
        return only(self.address, [actual for actual in self.owned(aws) if actual.address == self.address])

    @abstractmethod
    def create(self, aws: Aws) -> Actual | None:
        """Make the bare thing, tagged, through ``aws.create``.

        Returns what it is now (:meth:`made`) where AWS's answer leaves no doubt of it, and None where it has to be
        looked at: where it takes time, or where a used-up token may answer for a thing that is gone.
        """

    def made(self, aws: Aws, id: str, /, facts: Mapping[str, Any] | None = None, **bare: Any) -> Actual:
        """What :meth:`create` has just made: as wished, except for ``bare``, which ``update`` will put right."""
        return Actual(
            address=self.address,
            id=id,
            values={**{name: getattr(self, name) for name in self.desired_fields()}, **bare},
            facts=facts or {},
            tags=aws.ownership(self.address, keep=self.keep),
            keep=self.keep,
        )

    def ready(self, aws: Aws, actual: Actual) -> bool:
        """Wait until it can be used. True if there was something to wait for (so it is read again)."""
        return False

    def check(self, actual: Actual, changes: Mapping[str, Change]) -> None:
        """Refuse a change that AWS cannot make, before anything is changed. Raises ChangeRefused."""

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        """Make the attributes called ``names`` as wished: one ``if`` each."""

    @abstractmethod
    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        """Add or correct these tags."""

    @classmethod
    @abstractmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        """Delete it and wait until it is gone. That it is gone already is success."""

    # What stands against a deletion ----------------------------------------------------------------------------------

    @classmethod
    def holds_data(cls, actual: Actual, desired: Resource | None) -> bool:
        """Whether deleting it loses data: the kind, the tag and the wish are asked, and one that says so is enough."""
        return cls.keep or actual.keep or (desired is not None and desired.keep)

    @classmethod
    def foreign(cls, aws: Aws, actual: Actual, desired: Resource | None) -> str:
        """Why it does not look as if we had made it, although it carries our tags; empty if it does. Reads only."""
        return foreign_name_tag(aws, actual)

    @classmethod
    def protection(cls, aws: Aws, actual: Actual) -> tuple[str, str] | None:
        """What AWS was told that makes it refuse the deletion, and how to take that back; None if nothing. Reads only.

        It is asked about everything that is to go before anything of it goes.
        """
        return None

    # What it says about itself ---------------------------------------------------------------------------------------

    def desired(self) -> dict[str, Any]:
        """The fields that are wished for, by name."""
        return {name: value for name in self.desired_fields() if (value := getattr(self, name)) is not None}

    @classmethod
    def desired_fields(cls) -> tuple[str, ...]:
        """The names of the fields that can be wished for."""
        return tuple(each.name for each in fields(cls) if each.name not in NOT_DESIRED | cls.initial)

    def refs(self, names: Iterable[str] | None = None) -> set[Ref]:
        """The references in the fields called ``names``, however deep; by default in all but ``created_after``."""
        chosen = {each.name for each in fields(self)} - {"created_after"} if names is None else names
        return {ref for name in chosen for ref in _refs(getattr(self, name))}

    def resolved(self, found: Mapping[str, Actual | None]) -> Self:
        """The same wish with each reference replaced by its value, or by Unknown if its thing is not there yet."""
        changed = {each.name: _resolve(getattr(self, each.name), found) for each in fields(self) if each.init}
        return replace(self, **changed)


def only(address: str, found: list[Actual]) -> Actual | None:
    """The one that was found, None for none, Ambiguous for more: nobody takes the first."""
    if len(found) > 1:
        raise Ambiguous(address, sorted(actual.id for actual in found))
    return found[0] if found else None


def foreign_name_tag(aws: Aws, actual: Actual) -> str:
    """How the tag Name of a thing differs from the one that we give; empty if it does not."""
    name, its = aws.ownership(actual.address, keep=False)["Name"], actual.tags.get("Name", "")
    return "" if its == name else f"its tag Name is {its!r}, and ours would be {name!r}"


def kinds() -> dict[str, type[Resource]]:
    """Every kind that Python has loaded, by its name: a run looks for what is owned of all of them."""

    def below(cls: type[Any]) -> Iterator[type[Any]]:
        for each in cls.__subclasses__():
            yield each
            yield from below(each)

    return {cls.kind: cls for cls in below(Resource) if hasattr(cls, "kind") and not isabstract(cls)}


def _refs(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _refs(getattr(value, each.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _refs(item)
    elif isinstance(value, tuple | list | frozenset | set):
        for item in value:
            yield from _refs(item)


def _resolve(value: Any, found: Mapping[str, Actual | None]) -> Any:
    if isinstance(value, Ref):
        actual = found.get(value.address)
        return Unknown(f"{value.attribute} of {value.address}") if actual is None else actual[value.attribute]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _resolve(getattr(value, each.name), found) for each in fields(value)})
    if isinstance(value, Mapping):
        resolved = {key: _resolve(item, found) for key, item in value.items()}
        # A policy stays one: it is compared by what it means.
        return type(value)(resolved) if isinstance(value, dict) else resolved
    if isinstance(value, tuple | list | frozenset):
        return type(value)(_resolve(item, found) for item in value)
    return value
