"""EditedAnswers: a session whose answers are AWS's own, but for what an edit does to them on their way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dify_aws.offline.session import OfflineSession
from dify_aws.offline.world import World

Edit = Callable[[str, dict[str, Any]], None]
"""Is given "service.Operation" and the parsed answer, which it may change in place."""


class EditedAnswers:
    """Stands for the session of a world. What is asked, and what is changed in AWS, goes through as it is."""

    def __init__(self, world: World, edit: Edit) -> None:
        self._world_session: OfflineSession = world.in_region(world.session.region_name)
        self._edit = edit
        self._edited: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world_session, name)

    def client(self, *args: Any, **kwargs: Any) -> Any:
        """A client of boto3, that hands each answer to the edit before anybody sees it."""
        client = self._world_session.client(*args, **kwargs)
        if id(client) not in self._edited:
            self._edited.add(id(client))
            client.meta.events.register("after-call", self._on_answer)
        return client

    def _on_answer(self, *, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        if "Error" not in parsed:
            self._edit(f"{model.service_model.service_name}.{model.name}", parsed)
