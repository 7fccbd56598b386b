"""The pages: what stands in them is true. Their Python is run word for word, and their tables fit the code."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from dify_aws.offline.server import serve

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITH_PYTHON = [page for page in PAGES if PYTHON.search(page.read_text())]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A place where boto3 finds an account by itself, as a reader's has: an offline server stands for AWS."""
    with serve() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        (tmp_path / "settings.toml").write_text((ROOT / "examples/settings.toml").read_text())
        monkeypatch.chdir(tmp_path)
        yield


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_of_a_page_runs(page: Path) -> None:
    """The blocks of a page run one after the other, as somebody types them who reads it."""
    text = page.read_text()
    names: dict[str, object] = {"__name__": page.stem}
    for block in PYTHON.finditer(text):
        lines_before = text.count("\n", 0, block.start(1))
        exec(compile("\n" * lines_before + block[1], str(page), "exec"), names)


def test_pages_with_python_are_found() -> None:
    """The test above has something to run."""
    assert {"README.md", "tutorial.md", "offline.md"} <= {page.name for page in WITH_PYTHON}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """What a page points at inside the project is there."""
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", ["settings.md", "permissions.md"])
def test_tables_of_a_page_fit_the_code(page: str) -> None:
    """A setting or a permission that was added is on its page. If this is red: python docs/tables.py."""
    text = (ROOT / "docs" / page).read_text()
    assert runpy.run_path(str(ROOT / "docs/tables.py"))["filled"](text) == text
