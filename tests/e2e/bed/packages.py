"""Packages: the apt archives of the bed's world, over HTTP."""

from dataclasses import dataclass

from tests.e2e.bed.addresses import DOCKER, UBUNTU
from tests.e2e.bed.archive import Archive
from tests.e2e.bed.request import Answer, Request


@dataclass(frozen=True)
class Packages:
    """Ubuntu's archive below /ubuntu, Docker's below /linux/ubuntu."""

    archive: Archive

    def answer(self, request: Request) -> Answer:
        """404 for what is no file below the folder of that host."""
        for hosts, prefix, name in ((UBUNTU, "/ubuntu/", "ubuntu"), ((DOCKER,), "/linux/ubuntu/", "docker")):
            if request.host in hosts and request.path.startswith(prefix):
                folder = self.archive.folder / name
                path = (folder / request.path.removeprefix(prefix)).resolve()
                if path.is_file() and path.is_relative_to(folder):
                    return Answer(200, path)
        return Answer(404, "not found\n")
