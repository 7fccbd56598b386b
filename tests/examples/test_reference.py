"""The reference of the site: each exported name is on one page of it, and what a page loads is seen."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import dify_aws

SITE = Path(__file__).parents[2] / "docs/site"


def test_every_exported_name_is_on_one_page() -> None:
    """None is forgotten, none is there twice, none is there that is not exported."""
    reference = runpy.run_path(str(SITE / "reference.py"))
    listed = [name for title in reference["PAGES"] for name in reference["names"](title)]
    assert sorted(listed) == dify_aws.__all__
    texts = dict(reference["pages"]())
    assert "::: dify_aws.Deployment\n" in texts["deployment.md"]
    assert all(f"({name})" in texts["index.md"] for name in texts if name != "index.md")


LOADING = [
    '<script src="https://unpkg.com/mermaid"></script>',
    "<script src=//cdn.example.com/a.js></script>",
    '<img alt="x" src="http://example.com/a.png">',
    '<link rel="stylesheet" href="https://fonts.googleapis.com/css?family=Roboto">',
    '<link href="https://fonts.gstatic.com" rel="preconnect">',
]


@pytest.mark.parametrize("html", LOADING)
def test_what_a_page_loads_from_the_network_is_found(html: str) -> None:
    """So that `make docs` refuses it."""
    assert runpy.run_path(str(SITE / "build.py"))["loaded_from_the_network"](f"<p>a</p>{html}<p>b</p>")


@pytest.mark.parametrize("html", ['<a href="https://example.com">', '<script src="assets/a.js">', '<img src="a.svg">'])
def test_a_link_and_what_is_beside_the_page_are_no_load(html: str) -> None:
    """A reader may follow a link; the page itself needs nothing."""
    assert not runpy.run_path(str(SITE / "build.py"))["loaded_from_the_network"](html)
