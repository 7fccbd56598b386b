"""Login: the command that opens Dify in a browser."""

from __future__ import annotations

import webbrowser
from typing import Final

from dify_aws.cli.invocation import Command, Invocation
from dify_aws.operations.run.command_line import SUCCESS
from dify_aws.verbs.outputs import outputs


def _open(invocation: Invocation) -> int:
    url = outputs(invocation.deployment()).url
    invocation.show({"url": url} if invocation.form == "json" else url)
    if not webbrowser.open(url):
        invocation.say("There is no browser here: open the address on another computer.")
    return SUCCESS


OPEN: Final = Command("open", "open Dify in a browser (in Python: outputs().url)", _open)
