"""Agent: the package of a CloudWatch agent, with its signature, as AWS's bucket has it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.keys import Keys

HERE = Path(__file__).with_name("cloudwatch")
HOME = "opt/aws/amazon-cloudwatch-agent"
NAME = "amazon-cloudwatch-agent"
# Where the parts are in the package.
PARTS = {
    "control": "DEBIAN/control",
    "postinst.sh": "DEBIAN/postinst",
    "agent.service": f"etc/systemd/system/{NAME}.service",
    "ctl.sh": f"{HOME}/bin/{NAME}-ctl",
    "agent.py": f"{HOME}/bin/start-{NAME}",
}


@dataclass(frozen=True)
class Agent:
    """The bucket, as a folder."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache, keys: Keys) -> "Agent":
        """That of the cache, made if there is none."""
        parts = {part: (HERE / part).read_text() for part in PARTS}
        recipe = [Path(__file__).read_text(), parts, keys.folder.name]
        return cls(cache.part("agent", recipe, lambda folder: _make(folder, keys)))


def _make(folder: Path, keys: Keys) -> None:
    tree = folder / "tree"
    for part, path in PARTS.items():
        to = tree / path
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / part, to)
        to.chmod(0o755 if part.endswith((".sh", ".py")) else 0o644)
    for path in ("etc", "logs", "var"):
        (tree / HOME / path).mkdir(exist_ok=True)
    deb = folder / f"ubuntu/amd64/latest/{NAME}.deb"
    deb.parent.mkdir(parents=True)
    run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, deb)
    shutil.rmtree(tree)
    keys.agent.sign(deb, deb.with_name(f"{deb.name}.sig"))
    public = folder / f"assets/{NAME}.gpg"
    public.parent.mkdir()
    shutil.copy(keys.agent.public, public)
