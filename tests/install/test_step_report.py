"""The report of a run: text, JSON, rich and HTML; and files as a diff in which no secret is seen."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from dify_aws.change import Change
from dify_aws.host.content import Content, diff
from dify_aws.host.mask import Mask
from dify_aws.host.report import Report, outcome
from dify_aws.secrets import Secret

MASK = Mask([Secret("top-secret-one"), Secret("top-secret-one-and-more"), Secret("abc"), Secret("")])


def content(text: str | bytes | None, *, secret: bool = False) -> Content | None:
    """A file of this content, or none."""
    if text is None:
        return None
    return Content("/opt/dify/file", text.encode() if isinstance(text, str) else text, secret)


REPORT = Report(
    where="ubuntu@203.0.113.7",
    outcomes=(
        outcome("swap", "already so", MASK, seconds=0.1),
        outcome(
            "file /opt/dify/file",
            "done",
            MASK,
            seconds=0.25,
            changes=[
                Change("content", content("a\nb\nc\n"), content("a\n<b> top-secret-one-and-more\nc\n")),
                Change("mode", "0644", "0600"),
            ],
        ),
        outcome("service <x>", "failed", MASK, seconds=1.0, error="no such unit, top-secret-one said"),
        outcome("smoke test", "not tried", MASK),
    ),
    seconds=3.21,
    round_trips=7,
)


def test_as_text() -> None:
    """What is as it was is counted and not listed."""
    assert (
        str(REPORT)
        == """\
ubuntu@203.0.113.7: 1 done, 1 already so, 1 failed, 1 not tried (3.2 s, 7 round trips)
~ file /opt/dify/file  0.2 s
    content: 3 lines → 3 lines
    mode: 0644 → 0600
    --- /opt/dify/file
    +++ /opt/dify/file
    @@ -1,3 +1,3 @@
     a
    -b
    +<b> ********
     c
✗ service <x>
    no such unit, ******** said
· smoke test"""
    )


def test_as_json() -> None:
    """The same for other programs, as plain values."""
    result = json.loads(REPORT.to_json())
    assert result["where"] == "ubuntu@203.0.113.7"
    assert result["round_trips"] == 7
    assert [each["state"] for each in result["outcomes"]] == ["already so", "done", "failed", "not tried"]
    assert result["outcomes"][1]["changes"][1] == {"attribute": "mode", "before": "0644", "after": "0600"}
    assert result["outcomes"][1]["diffs"][0].startswith("--- /opt/dify/file\n+++ /opt/dify/file\n@@ -1,3")


def test_as_rich_and_as_html() -> None:
    """Every step, what changed in it, and nothing that a browser would take for its own."""
    console = Console(file=io.StringIO(), width=160)
    console.print(REPORT)
    assert isinstance(console.file, io.StringIO)
    text, html = console.file.getvalue(), REPORT._repr_mimebundle_()["text/html"]
    for shown in (text, html):
        assert "file /opt/dify/file" in shown
        assert "not tried" in shown
        assert "mode: 0644" in shown
    assert "service &lt;x&gt;" in html
    assert "&lt;b&gt;" in html
    assert "<x>" not in html


def test_no_secret_in_any_of_it() -> None:
    """Known secrets are masked, the longer of two that begin alike as a whole; three letters are no secret."""
    shown = [str(REPORT), repr(REPORT), REPORT.to_json(), REPORT._repr_mimebundle_()["text/html"]]
    assert not [text for text in shown if "top-secret" in text or "and-more" in text]
    assert MASK("abc top-secret-one-and-more top-secret-one") == "abc ******** ********"


def test_it_is_true_if_something_changed() -> None:
    """In a dry run: if something would."""
    assert REPORT
    assert not Report("here")
    assert not Report("here", (outcome("a", "already so", MASK), outcome("b", "failed", MASK)))
    assert Report("here", (outcome("a", "would change", MASK),))


ENV_BEFORE = """\
# notes: my-own-password
NAME=dify
PASSWORD=old-password
export KEY = old-key
old-bare-word

GONE=x-y-z
"""
ENV_AFTER = """\
NAME=dify
PASSWORD=new-password
export KEY = new-key
new-bare-word

"""


def test_the_diff_of_a_secret_file_shows_names_and_no_values() -> None:
    """Neither the new ones, which are known, nor the old ones, which nobody knows any more; and still which changed."""
    result = diff(content(ENV_BEFORE, secret=True), content(ENV_AFTER, secret=True), Mask())
    assert result.splitlines() == [
        "--- /opt/dify/file",
        "+++ /opt/dify/file",
        "@@ -1,7 +1,5 @@",
        "-********",
        " NAME=********",
        "-PASSWORD=********",
        "-********",
        "-********",
        "+PASSWORD=********",
        "+********",
        "+********",
        " ",
        "-GONE=********",
    ]


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (None, "a\nb\n", ["--- /dev/null", "+++ /opt/dify/file", "@@ -0,0 +1,2 @@", "+a", "+b"]),
        ("a\n", None, ["--- /opt/dify/file", "+++ /dev/null", "@@ -1,1 +0,0 @@", "-a"]),
        (b"\xff\xfe", "ab\n", ["/opt/dify/file is not text; 2 → 3 bytes"]),
        (None, "", ["--- /dev/null", "+++ /opt/dify/file"]),
    ],
)
def test_the_diff_of_a_new_a_deleted_and_a_binary_file(
    before: str | bytes | None, after: str | None, lines: list[str]
) -> None:
    """As diff -u says them."""
    assert diff(content(before), content(after), Mask()).splitlines() == lines


def test_a_diff_shows_three_lines_around_a_change() -> None:
    """And leaves out the rest of a long file."""
    old = [f"line {i}" for i in range(1, 101)]
    new = [*old[:9], "line ten", *old[10:]]
    result = diff(content("\n".join(old)), content("\n".join(new)), Mask()).splitlines()
    assert result[2] == "@@ -7,7 +7,7 @@"
    assert [line for line in result if line[0] in "+-"][2:] == ["-line 10", "+line ten"]
    assert len(result) == 3 + 8


def test_a_content_never_shows_itself() -> None:
    """However it is printed: a Change that holds one is printed, too."""
    kept = content("PASSWORD=old-password\n", secret=True)
    assert "old-password" not in f"{kept} {kept!r} {Change('content', None, kept)} {Change('content', None, kept)!r}"
