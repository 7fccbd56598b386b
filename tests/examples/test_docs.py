"""The pages: what stands in them is true. Their Python is run word for word, and their tables fit the code."""

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
    # A block without a language right behind it is what it prints.
    r"^```python\n(?P<code>.*?)^```$(?:\n\n^```\n(?P<told>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
WITH_PYTHON = [page for page in PAGES if PYTHON.search(page.read_text())]
WITH_TABLES = [page for page in PAGES if "made by docs/tables.py" in page.read_text()]
CODE = re.compile(r"^```(?:python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: Path) -> Iterator[None]:
    """A place where an account is found by itself, as a reader's is: boto3 gives sessions of an offline world."""
    (tmp_path / "settings.toml").write_text((ROOT / "examples/settings.toml").read_text())
    monkeypatch.chdir(tmp_path)
    if "dify_aws.offline(" in page.read_text():
        yield  # it opens a world of its own
        return
    with offline() as world:
        monkeypatch.setattr(boto3, "Session", lambda **_: world.session)
        yield


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_of_a_page_runs(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page run one after the other, as somebody types them who reads it, and print what it shows."""
    text = page.read_text()
    names: dict[str, object] = {"__name__": page.stem}
    for block in PYTHON.finditer(text):
        # Empty lines before it, so that a traceback names the line of the page.
        lines_before = text.count("\n", 0, block.start("code"))
        exec(compile("\n" * lines_before + block["code"], str(page), "exec"), names)
        assert masked(block["told"] or "") in masked(capsys.readouterr().out)


def masked(text: str) -> str:
    """The text without what differs from run to run: ids and seconds."""
    return re.sub(r"\(\d+ s\)", "(# s)", re.sub(r"-[0-9a-f]{17}\b", "-#", text))


def test_pages_with_python_are_found() -> None:
    """The test above has something to run, and something to compare."""
    assert {"README.md", "README.ja.md", "tutorial.md", "offline.md"} <= {page.name for page in WITH_PYTHON}
    assert any(block["told"] for block in PYTHON.finditer((ROOT / "docs/tutorial.md").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """What a page points at inside the project is there."""
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_into_a_page_lead_to_a_heading(page: Path) -> None:
    """What stands behind # is the heading of a section there, as GitHub writes it."""
    links = re.findall(r"\]\((?!https?://)([^)#]*\.md)?#([^)]+)\)", page.read_text())
    assert not [(to, anchor) for to, anchor in links if anchor not in headings(page.parent / to if to else page)]


def headings(page: Path) -> set[str]:
    """The headings of a page as links name them: in small letters, with hyphens, without marks."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("picture", sorted(ROOT.glob("docs/pictures/*.svg")), ids=lambda picture: picture.name)
def test_picture_is_well_formed(picture: Path) -> None:
    """A browser shows nothing of an SVG with a mistake in it."""
    assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_timeline_has_a_bar_for_each_resource() -> None:
    """The script that draws the pictures still does."""
    timeline = runpy.run_path(str(ROOT / "docs/pictures/make.py"))["timeline"]
    drawn = ElementTree.fromstring(timeline({"vpc/main": (0.0, 1.0), "subnet/public": (1.0, 30.0)}))
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"vpc/main", "subnet/public", "29 s"} <= set(texts)


@pytest.mark.parametrize("page", WITH_TABLES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tables_of_a_page_fit_the_code(page: Path) -> None:
    """A setting, a permission or a price that has changed is on its page. If this is red: python docs/tables.py."""
    text = page.read_text()
    assert runpy.run_path(str(ROOT / "docs/tables.py"))["filled"](text) == text


def test_readme_says_the_same_in_both_languages() -> None:
    """The same code but for its comments, the same pictures and links in the same order, as many sections and rows."""
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
