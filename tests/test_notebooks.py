"""The notebooks in docs/ run from top to bottom, and the Chinese one has the same code."""

from pathlib import Path

import pytest

import main

DOCS = Path(main.__file__).parent / "docs"


def code(name):
    nbformat = pytest.importorskip("nbformat", reason="pip install nbformat")
    cells = nbformat.read(DOCS / name, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", ["srcnn.ipynb", "srcnn_solutions.ipynb"])
def test_a_notebook_runs(name, tmp_path):
    """In a folder below the repository, as Jupyter does it; each picture is drawn anew."""
    nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(DOCS / name, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(DOCS)}}
    ).execute()
    for committed, cell in zip(code(name), (c for c in notebook.cells if c.cell_type == "code"), strict=True):
        assert pictures(cell) == pictures(committed), cell.source


def pictures(cell):
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


def test_both_languages_have_the_same_code():
    assert [cell.source for cell in code("srcnn.ipynb")] == [cell.source for cell in code("srcnn.zh.ipynb")]
