"""Releases: the command that drafts the record of a release of Dify from a checkout, and the one that proves it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from dify_aws.cli.command import FINE, WRONG, Command, Verb
from dify_aws.dify.drafts.draft import import_release
from dify_aws.dify.records import KNOWN
from dify_aws.errors import DifyAwsError
from dify_aws.operations.check_release import check_release


def _release(command: Command) -> int:
    return _import(command) if command.options["action"] == "import" else _check(command)


def _import(command: Command) -> int:
    options = command.options
    draft = import_release(options["path"], base=options["base"])
    file = Path(options["output"] or f"{draft.release.version}.toml")
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(draft.text)
    except FileExistsError:
        raise DifyAwsError(f"{file} is there already: delete it, or name another file with --output") from None
    except OSError as error:
        raise DifyAwsError(f"{file} cannot be written: {error.strerror}") from error
    command.show(draft.comparison)
    command.terminal.say(f"{file} is written. `dify-aws release check {file}` proves it.")
    return FINE


def _check(command: Command) -> int:
    found = check_release(command.options["path"], checkout=command.options["checkout"])
    command.show(found)
    return FINE if found else WRONG


def _words(parser: ArgumentParser) -> None:
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


RELEASE: Final = Verb(
    "release",
    "draft the record of a release of Dify from a checkout (import), or prove a record (check)",
    _release,
    _words,
    "import|check PATH",
    # It is about no environment.
    otherwise={"environment": "any"},
)
