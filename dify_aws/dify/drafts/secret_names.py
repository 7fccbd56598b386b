"""Secret names: which variables hold a secret, as their names tell."""

from __future__ import annotations

import re
from typing import Final

_ENDS: Final = re.compile(
    r".*(PASSWORD|PASSPHRASE|PEPPER|SECRET|SECRET_KEY|SECRET_ID|TOKEN|API_?KEY|ACCESS_KEY|ACCESS_KEY_ID|KEY_ID|PRIVATE_KEY|"
    r"ACCOUNT_KEY|AUTH_KEY|_KEY|APIKEY_ALLOWED_KEYS|CREDENTIALS|CONNECTION_STRING|DSN|JSON_BASE64|ACCESS_KEY_SECRET)"
    r"(_FOR_[A-Z]+)?"
)
_URLS: Final = re.compile(r".*(REDIS|BROKER|DATABASE|MONGO|AMQP)_URL")
"""A URL of a server that takes a password has it inside."""

_PUBLIC: Final = re.compile(r"NEXT_PUBLIC_.*|.*(PUBLIC|SITE)_KEY|AMPLITUDE_API_KEY|.*_PER_TOKEN")
"""What browsers get, and limits."""


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret.

    Args:
        name: name of a variable, as in Dify's .env.

    Returns:
        True if its name ends as the names of secrets do, and it is neither one that browsers get nor a limit.
    """
    return bool(_ENDS.fullmatch(name) or _URLS.fullmatch(name)) and not _PUBLIC.fullmatch(name)
