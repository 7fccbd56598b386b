"""A process that takes one lock again and again, and tells if it ever was not alone."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import boto3

from dify_aws import AlreadyLocked, Aws
from dify_aws.operations.lock.lock import Lock

REGION = "ap-northeast-1"


def main(room: Path, times: int) -> int:
    """Be in ``room`` so many times, with the lock. 0 if nobody else was ever there."""
    aws = Aws(boto3.Session(region_name=REGION), deployment="dify/dev")
    while times:
        try:
            with Lock(aws, "hammer"):
                # Two that were in at the same time would want to make the same file.
                os.close(os.open(room, os.O_CREAT | os.O_EXCL))
                time.sleep(0.002)
                room.unlink()
                times -= 1
        except AlreadyLocked:
            pass
        except FileExistsError:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
