"""Order: what a keeper is to keep."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Order:
    """Paths are text, so that it goes through JSON.

    Args:
        folder: the bed's own, with root.img and the certificate of all that is served.
        name: of its control groups.
        keys, archive, agent, store: parts of the cache.
        listening: the port of the guest, and the number of the open socket that listens for it.
        data_gib: size of the blank data disk.
        instance_id, public_key, user_data: for the metadata service.
    """

    folder: str
    name: str
    keys: str
    archive: str
    agent: str
    store: str
    listening: dict[str, int]
    data_gib: int
    instance_id: str
    public_key: str
    user_data: str

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> "Order":
        """From JSON."""
        return cls(**json.loads(text))
