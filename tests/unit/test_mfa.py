"""A profile whose role asks for a code of MFA, where nobody can type it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CONFIG = """
[profile guarded]
role_arn = arn:aws:iam::123456789012:role/deployer
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/ann
region = ap-northeast-1

[profile base]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = key
"""


def test_without_a_terminal_the_message_says_what_to_do(tmp_path: Path) -> None:
    """In a process of its own, with no terminal at all: as in CI or cron."""
    (tmp_path / "config").write_text(CONFIG)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ |= {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "guarded", "AWS_EC2_METADATA_DISABLED": "1"}
    command = [sys.executable, "-m", "dify_aws", "plan", "--environment", "dev", "--region", "ap-northeast-1"]
    done = subprocess.run(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )
    assert done.returncode == 1
    assert "nobody could be asked for the MFA code" in done.stderr
    assert "export-credentials" in done.stderr
    assert "mistake of dify_aws" not in done.stderr
