"""Variable types: what the value of a variable has to look like for Dify to start with it, as its record says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

TypeName: TypeAlias = Literal["int", "number", "bool", "size", "choice"]

TYPES: Final[tuple[TypeName, ...]] = get_args(TypeName)

_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,18})?")
_FLAG: Final = re.compile(r"true|false|yes|no|on|off|1|0", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ValueType:
    """The type of a value. A variable without one is free text.

    dify-api reads its variables with pydantic, and does not start with "50 MB" or an empty text where a number belongs.

    Attributes:
        type: a whole number, any number, true or false, a size as a whole number of its unit, or one of some texts.
        least: the smallest number; None if there is none.
        unit: of a size, such as MB.
        choices: the texts.
    """

    type: TypeName
    least: int | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()

    def accepts(self, value: str) -> bool:
        """Whether Dify starts with a value.

        Args:
            value: as it is written in .env.
        """
        if self.type == "bool":
            return _FLAG.fullmatch(value) is not None
        if self.type == "choice":
            return value in self.choices
        form = _NUMBER if self.type == "number" else _WHOLE
        return form.fullmatch(value) is not None and (self.least is None or float(value) >= self.least)

    def __str__(self) -> str:
        if self.type == "bool":
            return "true or false"
        if self.type == "choice":
            return f"one of {', '.join(self.choices)}"
        least = "" if self.least is None else f" of at least {self.least}"
        if self.type == "size":
            return f"a whole number of {self.unit}{least}, without the unit"
        return f"a {'whole number' if self.type == 'int' else 'number'}{least}"
