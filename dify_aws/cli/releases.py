"""Releases: the command that drafts the record of a release of Dify from a checkout, and the one that proves it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from dify_aws.cli.invocation import Command, Invocation
from dify_aws.dify.drafts.draft import import_release
from dify_aws.dify.records import KNOWN
from dify_aws.errors import DifyAwsError
from dify_aws.operations.check_release import check_release
from dify_aws.operations.run.command_line import FAILURE, SUCCESS


def _release(invocation: Invocation) -> int:
    return _import(invocation) if invocation.options["action"] == "import" else _check(invocation)


def _import(invocation: Invocation) -> int:
    options = invocation.options
    draft = import_release(options["path"], base=options["base"])
    file = Path(options["output"] or f"{draft.release.version}.toml")
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(draft.text)
    except FileExistsError:
        raise DifyAwsError(f"{file} is there already: delete it, or name another file with --output") from None
    except OSError as error:
        raise DifyAwsError(f"{file} cannot be written: {error.strerror}") from error
    invocation.show(draft.comparison)
    invocation.terminal.say(f"{file} is written. `dify-aws release check {file}` proves it.")
    return SUCCESS


def _check(invocation: Invocation) -> int:
    found = check_release(invocation.options["path"], checkout=invocation.options["checkout"])
    invocation.show(found)
    return SUCCESS if found else FAILURE


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=("import", "check"), help="draft a record from a checkout, or prove a record")
    parser.add_argument("path", metavar="PATH", help="import: a checkout of langgenius/dify; check: a record")
    parser.add_argument("--output", metavar="FILE", help="import: the new record (default: VERSION.toml)")
    parser.add_argument(
        "--base",
        choices=KNOWN,
        default=KNOWN[-1],
        help=f"import: the known release to compare with (default: {KNOWN[-1]})",
    )
    parser.add_argument("--checkout", metavar="PATH", help="check: also that every name of this checkout has its place")


RELEASE: Final = Command(
    "release",
    "draft the record of a release of Dify from a checkout (import), or prove a record (check)",
    _release,
    _arguments,
    "import|check PATH",
    has_settings=False,
)
