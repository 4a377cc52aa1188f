"""The notebook runs from its first cell to its last, and is kept without what it printed."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from nodulus.pipeline.scoring.scorer import Scorer
from tests.support.pages import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "first_score.ipynb"


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code_cells(notebook))


@pytest.mark.slow
def test_it_runs_and_shows_the_scores_of_the_scorer(bundle: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    *_, picture, scores, refusal = code_cells(notebook)
    assert "image/png" in picture.outputs[0].data
    printed, refused = scores.outputs[-1].text, refusal.outputs[-1].text
    study = tmp_path / "out" / "notebook" / "study"
    case = Scorer(bundle, device="cpu").score(study / "phantom.nii.gz", study / "nodules.csv")
    for nodule in case.nodules:
        assert nodule.probabilities is not None
        line = next(line for line in printed.splitlines() if line.startswith(f"{nodule.nodule_id} "))
        assert float(line.split("malignant ")[1].split()[0]) == pytest.approx(nodule.probabilities.malignant, abs=0.01)
    assert "not pathology" in printed
    assert refused.startswith("missing_slices: ")
