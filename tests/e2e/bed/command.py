"""Commands of this machine: run one, and tell what it said when it fails."""

import os
import subprocess
from pathlib import Path


class CommandFailed(Exception):
    """A command ended with another status than 0. The message has the end of what it said."""


def run(*words: str | Path, folder: Path | None = None) -> str:
    """What a command says on its standard output.

    Args:
        words: the command and its arguments; no shell is between.
        folder: where it runs.

    Raises:
        CommandFailed: it failed, or is not there.
    """
    line = [str(word) for word in words]
    try:
        done = subprocess.run(
            line,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=os.environ | {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except FileNotFoundError as error:
        raise CommandFailed(f"{line[0]}: not on this machine") from error
    if done.returncode:
        raise CommandFailed(f"{' '.join(line)}: exit status {done.returncode}\n{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout
