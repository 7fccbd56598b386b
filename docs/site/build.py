"""Builds the site: README.md, docs/, examples/ and the reference, as HTML in build/site/html (`make docs`).

It fails on a broken link or reference, and if a page would load anything from the network.
"""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
PAGES: Final = ROOT / "build/site/pages"
HTML: Final = ROOT / "build/site/html"

LOADED: Final = re.compile(r"""<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc=["']?(?:https?:)?//[^"'\s>]+""")
STYLES: Final = re.compile(
    r"""<link\b(?=[^>]*rel=["']?(?:stylesheet|preload|preconnect))[^>]*href=["']?(?:https?:)?//[^"'\s>]+"""
)


def copy_pages() -> None:
    """Copy everything that is linked, in the layout of the repository, and write the pages of the reference."""
    shutil.rmtree(ROOT / "build/site", ignore_errors=True)
    PAGES.mkdir(parents=True)
    for name in ("README.md", "README.ja.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, PAGES / name)
    shutil.copytree(ROOT / "docs", PAGES / "docs", ignore=shutil.ignore_patterns("site", "*.py", "__pycache__"))
    shutil.copytree(ROOT / "examples", PAGES / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for page in PAGES.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!https?://|mailto:)([^)#\s]+)", text):
            target = (ROOT / page.relative_to(PAGES)).parent / link
            copied = page.parent / link
            if target.is_dir():
                listed = "\n".join(
                    f"- [{file.name}]({file.name})" for file in sorted(target.iterdir()) if file.is_file()
                )
                (copied / "index.md").write_text(f"# {target.name}\n\n{listed}\n", encoding="utf-8")
                text = text.replace(f"]({link})", f"]({link}/index.md)")
            elif target.exists() and not copied.exists():
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(target, copied)
        page.write_text(text, encoding="utf-8")
    reference = PAGES / "reference"
    reference.mkdir()
    for name, text in runpy.run_path(str(HERE / "reference.py"))["pages"]():
        (reference / name).write_text(text, encoding="utf-8")


def loaded_from_the_network(html: str) -> list[str]:
    """What a page would load from elsewhere when it is read.

    Args:
        html: the text of the page.
    """
    return LOADED.findall(html) + STYLES.findall(html)


def main() -> int:
    """Build the site; returns 0, or 1 if a page is wrong."""
    copy_pages()
    built = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(HERE / "mkdocs.yml")])
    if built.returncode:
        return built.returncode
    wrong = {page: found for page in HTML.rglob("*.html") if (found := loaded_from_the_network(page.read_text()))}
    for page, found in wrong.items():
        print(f"{page.relative_to(HTML)} loads from the network: {found}", file=sys.stderr)
    if not wrong:
        print(f"the site is in {HTML.relative_to(ROOT)}: open index.html, or README.html there")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
