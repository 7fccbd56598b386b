"""Runs examples/walkthrough.ipynb from start to end in a Jupyter kernel, and stores the outputs of its cells.

Run it when a test says that the stored outputs are out of date:

    python docs/notebook.py
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
    """Run it, and write it if an output has changed."""
    run = executed()
    if outputs(run) != outputs(stored()):
        write(run, WALKTHROUGH)


def stored() -> nbformat.NotebookNode:
    """The notebook as it is in the file."""
    return read(WALKTHROUGH, as_version=4)


def executed() -> nbformat.NotebookNode:
    """The notebook with the outputs of a new run.

    Raises:
        CellExecutionError: a cell failed.
    """
    run = stored()
    NotebookClient(run, timeout=120, record_timing=False, coalesce_streams=True).execute()
    # The Python version is not part of the result.
    run.metadata["language_info"] = {"name": "python"}
    return run


def outputs(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """The outputs of each cell, without what differs from run to run."""
    return [[*_printed(cell), *_displayed(cell)] for cell in notebook.cells]


def _printed(cell: nbformat.NotebookNode) -> list[str]:
    """The printed lines, sorted: resources are processed in parallel, in an order that varies."""
    parts = [output.text for output in cell.get("outputs", ()) if output.output_type == "stream"]
    return sorted(masked("".join(parts)).splitlines())


def _displayed(cell: nbformat.NotebookNode) -> list[str]:
    """The value of its last line, in the form that is displayed."""
    values = [output.data for output in cell.get("outputs", ()) if output.output_type != "stream"]
    return [masked(str(forms.get("text/html", forms["text/plain"]))) for forms in values]


def masked(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, mask in CHANGING:
        text = re.sub(pattern, mask, text)
    return text


if __name__ == "__main__":
    main()
