"""Plan: what a run would do, as a value to print, save, compare and agree to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from dify_aws.change import Change, shown, unknown
from dify_aws.engine.rendering import LONGEST_VALUE, SIGNS, render_plan
from dify_aws.presentation import JsonMixin, NotebookMixin
from dify_aws.printable import printable

Verb: TypeAlias = Literal["create", "update", "delete", "keep"]


@dataclass(frozen=True)
class Action:
    """One thing and what would happen to it. ``id`` is AWS's, where the thing exists already.

    ``foreign`` says why something that would be taken away does not look as if we had made it; it is empty otherwise.
    """

    verb: Verb
    address: str
    id: str = ""
    changes: tuple[Change, ...] = ()
    foreign: str = ""

    def __str__(self) -> str:
        lines = [printable(f"{SIGNS[self.verb]} {self.address}" + (f" ({self.id})" if self.id else ""))]
        if why := self.why():
            lines[0] += printable(f"  {why}")
        for change in self.changes:
            # What is new may be cut short; what changes is told whole, because somebody has to agree to it.
            text = f"{change.attribute}: {_short(shown(change.after))}" if self.verb == "create" else str(change)
            lines.append(f"    {text}")
        return "\n".join(lines)

    def why(self) -> str:
        """What has to be known about a thing that stays, or that goes and may be somebody else's; else empty."""
        if self.foreign:
            return f"looks foreign: {self.foreign}"
        return "holds data: stays, and goes only with delete_data=True" if self.verb == "keep" else ""

    @property
    def is_resource(self) -> bool:
        """Whether it is a resource of AWS ("vpc/main"), and not something on the machine ("dify")."""
        return "/" in self.address

    def covers(self, other: Action) -> bool:
        """Whether agreeing to this includes agreeing to ``other``; what was not known then was agreed to unseen."""
        if self.verb != other.verb or (other.foreign and not self.foreign):
            return False
        if self.verb != "update":
            return True
        agreed = {change.attribute: change.after for change in self.changes}
        return all(
            change.attribute in agreed
            and (unknown(agreed[change.attribute]) or shown(change.after) == shown(agreed[change.attribute]))
            for change in other.changes
        )


@dataclass(frozen=True)
class Plan(JsonMixin, NotebookMixin):
    """What would be done, in the order of the stack, and what is worth knowing about it.

    It is true when there is something to do. It prints as text, shows itself in a notebook and in rich, and
    :meth:`to_json` gives it to other programs.
    """

    deployment: str
    region: str
    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(action.verb != "keep" for action in self.actions)

    def __iter__(self) -> Iterator[Action]:
        return iter(self.actions)

    def __len__(self) -> int:
        return sum(action.verb != "keep" for action in self.actions)

    def __str__(self) -> str:
        blocks = [f"{self.deployment} in {self.region}: {self.summary()}"]
        blocks += [str(action) for action in self.actions]
        blocks += [f"note: {printable(note)}" for note in self.notes]
        return "\n".join(blocks)

    def summary(self) -> str:
        """One line: how many resources are created, updated and deleted; what is no resource is named."""
        counted = [f"{count} to {verb}" for verb, count in self._counts().items() if count]
        named = [f"{action.address} to {action.verb}" for action in self.actions if not action.is_resource]
        return ", ".join([*counted, *named]) or "nothing to do"

    def done(self) -> str:
        """The same line, after it has been done."""
        return ", ".join(f"{count} {verb}d" for verb, count in self._counts().items() if count) or "nothing to do"

    def _counts(self) -> dict[str, int]:
        resources = [action.verb for action in self.actions if action.is_resource]
        return {verb: resources.count(verb) for verb in ("create", "update", "delete")}

    def beyond(self, agreed: Plan) -> tuple[Action, ...]:
        """What this plan would do that ``agreed`` did not show."""
        shown_then = {action.address: action for action in agreed.actions}
        return tuple(
            action
            for action in self.actions
            if action.verb != "keep"
            and not (action.address in shown_then and shown_then[action.address].covers(action))
        )

    def of_resources(self) -> Plan:
        """The same plan without what is no resource of AWS."""
        return replace(self, actions=tuple(action for action in self.actions if action.is_resource))

    def noted(self, *notes: str) -> Plan:
        """The same plan with more that is worth knowing about it."""
        return replace(self, notes=(*self.notes, *notes))

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values."""
        return {
            "deployment": self.deployment,
            "region": self.region,
            "summary": self.summary(),
            "actions": [
                {
                    "verb": action.verb,
                    "address": action.address,
                    "id": action.id or None,
                    **({"foreign": action.foreign} if action.foreign else {}),
                    "changes": [
                        {"attribute": change.attribute, "before": plain(change.before), "after": plain(change.after)}
                        for change in action.changes
                    ],
                }
                for action in self.actions
            ],
            "notes": list(self.notes),
        }

    def __rich__(self) -> Any:
        return render_plan(self)


def plain(value: object) -> Any:
    """A value as JSON knows it: sets as sorted lists, everything else that is not plain as its short text."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case frozenset() | set():
            return sorted((plain(item) for item in value), key=str)
        case tuple() | list():
            return [plain(item) for item in value]
        case _:
            return shown(value)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
