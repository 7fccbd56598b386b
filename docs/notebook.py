"""Runs examples/walkthrough.ipynb from start to end in a kernel of Jupyter, and keeps what its cells show.

Run it when the notebook, or what it shows, has changed (a test tells): python docs/notebook.py
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import nbformat
from nbclient import NotebookClient

# nbformat has no types for these.
read: Final[Callable[..., nbformat.NotebookNode]] = nbformat.read
write: Final[Callable[..., None]] = nbformat.write

WALKTHROUGH: Final = Path(__file__).parents[1] / "examples" / "walkthrough.ipynb"

CHANGING: Final = (
    (r"-[0-9a-f]{17}\b", "-#"),
    (r"\b\d{4}-\d\d-\d\d(?=[ T]\d\d:\d\d)", "DATE"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "TIME"),
    (r"\bSHA256:[\w+/]{43}", "SHA256:#"),
    (r" *\b\d+(\.\d)? s\b", " # s"),
    (r"\b\d+ round trips", "# round trips"),
)
"""What differs from run to run: ids, times, fingerprints, how long a thing took."""


def main() -> None:
    """Run it; write it if it shows something else than before."""
    run = executed()
    if told(run) != told(stored()):
        write(run, WALKTHROUGH)


def stored() -> nbformat.NotebookNode:
    """The notebook as it is in the file."""
    return read(WALKTHROUGH, as_version=4)


def executed() -> nbformat.NotebookNode:
    """The notebook with the outputs of a new run. An error in a cell ends it."""
    run = stored()
    NotebookClient(run, timeout=120, record_timing=False, coalesce_streams=True).execute()
    # Which Python ran it is of no interest.
    run.metadata["language_info"] = {"name": "python"}
    return run


def told(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """What each cell shows, without what differs from run to run."""
    return [[*_said(cell), *_shown(cell)] for cell in notebook.cells]


def _said(cell: nbformat.NotebookNode) -> list[str]:
    """The lines that it prints. Several things are worked on at a time: which is done first is chance."""
    parts = [output.text for output in cell.get("outputs", ()) if output.output_type == "stream"]
    return sorted(masked("".join(parts)).splitlines())


def _shown(cell: nbformat.NotebookNode) -> list[str]:
    """Its last value, in the form that a reader sees."""
    shown = [output.data for output in cell.get("outputs", ()) if output.output_type != "stream"]
    return [masked(str(forms.get("text/html", forms["text/plain"]))) for forms in shown]


def masked(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, mask in CHANGING:
        text = re.sub(pattern, mask, text)
    return text


if __name__ == "__main__":
    main()
