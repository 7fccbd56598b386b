"""The cases of all kinds, by kind: what the contract is held against. A new kind is one file and one line here."""

from __future__ import annotations

from typing import Final

from tests.functional.cases_account import ACCOUNT
from tests.functional.cases_machine import MACHINE
from tests.functional.cases_named import NAMED
from tests.functional.cases_network import NETWORK
from tests.support.queue import QUEUE

CASES: Final = {**NETWORK, **MACHINE, **NAMED, **ACCOUNT, **QUEUE}
