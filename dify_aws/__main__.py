"""The command line as a program: `python -m dify_aws`."""

from __future__ import annotations

import os
import sys

from dify_aws.cli.run import main


def program() -> None:
    """Run one command and end with its status."""
    try:
        sys.exit(main())
    except BrokenPipeError:
        # Whoever read the output has seen enough (`| head`). Python would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    program()
