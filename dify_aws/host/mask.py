"""Mask: takes the secrets that we know out of a text before anybody sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dify_aws.secrets import MASK, Secret

SHORTEST: Final = 6
"""Shorter texts are no secrets worth the name, and hiding them would garble every word that they are part of."""


class Mask:
    """``mask(text)`` is the text with ******** wherever one of the secrets stands."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        # Line by line as well: a message may quote a line of a private key. Longest first: one may begin with another.
        texts = {text for secret in secrets for text in (secret.reveal(), *secret.reveal().splitlines())}
        self._texts = sorted((text for text in texts if len(text.strip()) >= SHORTEST), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._texts:
            text = text.replace(secret, MASK)
        return text
