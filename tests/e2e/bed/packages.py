"""Packages: what can be installed in the bed's world, over HTTP: the apt archives, and the CloudWatch agent."""

from dataclasses import dataclass

from tests.e2e.bed.addresses import AGENTS, DOCKER, UBUNTU
from tests.e2e.bed.agent import Agent
from tests.e2e.bed.archive import Archive
from tests.e2e.bed.request import Answer, Request


@dataclass(frozen=True)
class Packages:
    """Ubuntu's archive below /ubuntu, Docker's below /linux/ubuntu, the agent in its buckets."""

    archive: Archive
    agent: Agent

    def answer(self, request: Request) -> Answer:
        """404 for what is no file below the folder of that host."""
        for hosts, prefix, folder in (
            (UBUNTU, "/ubuntu/", self.archive.folder / "ubuntu"),
            ((DOCKER,), "/linux/ubuntu/", self.archive.folder / "docker"),
            (AGENTS, "/", self.agent.folder),
        ):
            if request.host in hosts and request.path.startswith(prefix):
                path = (folder / request.path.removeprefix(prefix)).resolve()
                if path.is_file() and path.is_relative_to(folder):
                    return Answer(200, path)
        return Answer(404, "not found\n")
