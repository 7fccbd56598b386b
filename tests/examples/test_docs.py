"""The pages are correct: their Python code runs as written, their links exist, and their tables match the code."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import boto3
import pytest

from dify_aws import offline

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])
PYTHON = re.compile(
    # A block without a language directly after it is its output.
    r"^```python\n(?P<code>.*?)^```$(?:\n\n^```\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
WITH_PYTHON = [page for page in PAGES if PYTHON.search(page.read_text())]
WITH_TABLES = [page for page in PAGES if "made by docs/tables.py" in page.read_text()]
CODE = re.compile(r"^```(?:python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: Path) -> Iterator[None]:
    """An environment in which boto3 finds an account, as on a reader's computer: sessions are of an offline world."""
    (tmp_path / "settings.toml").write_text((ROOT / "examples/settings.toml").read_text())
    monkeypatch.chdir(tmp_path)
    if "dify_aws.offline(" in page.read_text():
        yield  # it opens its own world
        return
    with offline() as world:
        monkeypatch.setattr(boto3, "Session", lambda **_: world.session)
        yield


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_of_a_page_runs(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page run one after the other, and print the output that the page shows."""
    text = page.read_text()
    names: dict[str, object] = {"__name__": page.stem}
    for block in PYTHON.finditer(text):
        # Empty lines before it, so that a traceback has the line number of the page.
        lines_before = text.count("\n", 0, block.start("code"))
        exec(compile("\n" * lines_before + block["code"], str(page), "exec"), names)
        assert masked(block["output"] or "") in masked(capsys.readouterr().out)


def masked(text: str) -> str:
    """The text without what differs from run to run: ids and times."""
    return re.sub(r"\(\d+ s\)", "(# s)", re.sub(r"-[0-9a-f]{17}\b", "-#", text))


def test_pages_with_python_are_found() -> None:
    """The test above has code to run, and outputs to compare."""
    assert {"README.md", "README.ja.md", "tutorial.md", "offline.md"} <= {page.name for page in WITH_PYTHON}
    assert any(block["output"] for block in PYTHON.finditer((ROOT / "docs/tutorial.md").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_linked_files_exist(page: Path) -> None:
    """Each file of the project that a page links to exists."""
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_linked_headings_exist(page: Path) -> None:
    """The part of a link after # is the heading of a section, in the form that GitHub uses."""
    links = re.findall(r"\]\((?!https?://)([^)#]*\.md)?#([^)]+)\)", page.read_text())
    assert not [(to, anchor) for to, anchor in links if anchor not in headings(page.parent / to if to else page)]


def headings(page: Path) -> set[str]:
    """The headings of a page in the form of links: lower case, with hyphens, without punctuation."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("picture", sorted(ROOT.glob("docs/pictures/*.svg")), ids=lambda picture: picture.name)
def test_picture_is_well_formed(picture: Path) -> None:
    """A browser does not display an SVG file with a syntax error."""
    assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_timeline_has_a_bar_for_each_resource() -> None:
    """The script that draws the pictures works."""
    timeline = runpy.run_path(str(ROOT / "docs/pictures/make.py"))["timeline"]
    picture = ElementTree.fromstring(timeline({"vpc/main": (0.0, 1.0), "subnet/public": (1.0, 30.0)}))
    texts = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"vpc/main", "subnet/public", "29 s"} <= set(texts)


@pytest.mark.parametrize("page", WITH_TABLES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tables_of_a_page_match_the_code(page: Path) -> None:
    """The tables have the current settings, permissions, prices and layers. If this fails: python docs/tables.py."""
    text = page.read_text()
    assert runpy.run_path(str(ROOT / "docs/tables.py"))["filled"](text) == text


def test_readme_is_the_same_in_both_languages() -> None:
    """Same code except comments, same pictures and links in the same order, same number of sections and rows."""
    english, japanese = ((ROOT / name).read_text() for name in ("README.md", "README.ja.md"))

    def commands(text: str) -> list[str]:
        return [re.sub(r" +# .*", "", code) for code in CODE.findall(text)]

    def links(text: str) -> list[str]:
        return [link for link in LINK.findall(text) if not link.startswith("README")]

    def shape(text: str) -> list[str]:
        return re.findall(r"^(#+ |\||- |!\[|```\w*)", text, re.MULTILINE)

    assert commands(japanese) == commands(english)
    assert links(japanese) == links(english)
    assert shape(japanese) == shape(english)
