"""The results of a run of the bundle's config take the place of an earlier run's from the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from ignite.engine import Engine

from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.output_folder import LOCK
from nodulus.pipeline.scoring.results_handler import ResultsHandler
from nodulus.pipeline.scoring.worklist import Worklist
from nodulus.transforms.problems import InputRefusedError, UsageError


def test_old_results_go_before_a_run_begins_unless_the_call_is_wrong(
    study: DemoStudy, bundle: Path, tmp_path: Path
) -> None:
    old = tmp_path / "results.json"
    old.write_text("old")
    with pytest.raises(UsageError, match="Expected a scan and a nodule file"):
        ResultsHandler(Worklist(), str(bundle), str(tmp_path)).check()
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    handler = ResultsHandler(Worklist(str(study.nifti), str(study.nodule_table)), str(bundle), str(tmp_path))
    handler.check()
    assert {path.name for path in tmp_path.iterdir()} == {"results.json.before", LOCK}


def test_the_folder_is_one_runs_until_that_has_ended(study: DemoStudy, bundle: Path, tmp_path: Path) -> None:
    def break_off(_engine: Engine, _batch: object) -> None:
        raise ValueError("broken off")

    worklist = Worklist(str(study.nifti), str(study.nodule_table))
    first, second = (ResultsHandler(worklist, str(bundle), str(tmp_path)) for _ in range(2))
    engine = Engine(break_off)
    first.attach(engine)
    first.check()
    with pytest.raises(UsageError, match="that no other run writes to"):
        second.check()
    with pytest.raises(ValueError, match="broken off"):
        engine.run([1])
    assert list(tmp_path.iterdir()) == []
    second.check()
    second.check()  # asked again, it is the same run's still


def test_a_refusal_takes_the_place_of_old_results(study: DemoStudy, bundle: Path, tmp_path: Path) -> None:
    scan, old = tmp_path / "notes.txt", tmp_path / "out" / "results.json"
    scan.write_text("no scan")
    old.parent.mkdir()
    old.write_text("old")
    with pytest.raises(InputRefusedError):
        ResultsHandler(Worklist(str(scan), str(study.nodule_table)), str(bundle), str(old.parent)).check()
    (case,) = read_results(old).cases
    assert case.status == "refused"
    assert {path.name for path in old.parent.iterdir()} == {"results.json", "results.csv"}
