"""A calibration with what the patient adds: applied where the rows tell it, said where they do not, in every file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nodulus.pipeline import Scorer
from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.readout.calibration import LocalUpdate, read_calibration, write_calibration
from nodulus.pipeline.readout.patient_model import PatientModel, PatientTerm
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.transforms.problems import InputRefusedError

GAIN = Estimate(0.1, 0.05, 0.15)


def exact(value: float) -> Estimate:
    return Estimate(value, value, value)


@pytest.fixture(scope="module")
def together(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a local calibration that leaves the image alone, and in which 10 years are worth a logit."""
    shipped = read_calibration(bundle / "models" / "calibration.json")
    terms = {"age_years": PatientTerm(mean=60.0, slope=exact(0.1)), "male": PatientTerm(mean=0.5, slope=exact(1.0))}
    model = PatientModel(
        intercept=0.0, slope=1.0, terms=terms, covariates=("age", "sex"), auc_gain=GAIN, log_loss_gain=GAIN
    )
    local = LocalUpdate(kind="in the large", intercept=0.0, slope=1.0, log_loss_gain=GAIN)
    changed = shipped.model_copy(update={"patient": model, "local": local, "label": "pathology of this hospital"})
    return write_calibration(changed, tmp_path_factory.mktemp("local") / "local_calibration.json")


def test_the_patient_enters_by_the_columns_of_a_cases_table_and_is_named_where_it_does_not(
    study: DemoStudy, together: Path, tmp_path: Path
) -> None:
    nodule = study.marked.nodules[0]
    place = ",".join(map(str, (*nodule.center_lps_mm, nodule.diameter_mm)))
    rows = [f"{name},{study.nifti},1,{place},{told}" for name, told in (("a", "70,M"), ("b", "60,"), ("c", ","))]
    table = tmp_path / "cases.csv"
    table.write_text("\n".join(["case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm,age,sex", *rows, ""]))
    out = tmp_path / "out"
    assert run(["infer", str(table), "-o", str(out), "--calibration", str(together), "--explain", "--quiet"]) == 0
    record = read_results(out / "results.json")
    found = {case.case_id: case.nodules[0] for case in record.cases}
    alone = found["c"].explanation.logit  # type: ignore[union-attr]
    assert found["a"].explanation.logit - alone == pytest.approx(1.5)  # type: ignore[union-attr]
    assert found["b"].explanation.logit - alone == pytest.approx(0.0)  # type: ignore[union-attr]
    assert found["a"].explanation.parts["patient"] == pytest.approx(1.5)  # type: ignore[union-attr]
    told = {name: (each.patient.used, each.patient.missing) for name, each in found.items()}  # type: ignore[union-attr]
    assert told == {"a": (("age", "sex"), ()), "b": (("age",), ("sex",)), "c": ((), ("age", "sex"))}
    with (out / "results.csv").open() as lines:
        words = [row["patient_model"] for row in csv.DictReader(lines)]
    assert [each.partition(":")[0] for each in words] == ["image and patient together"] * 2 + ["image alone"]
    assert "pathology of this hospital" in record.bundle.score_meaning


def test_one_scans_patient_is_told_by_an_option(
    study: DemoStudy, together: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--nodules", str(study.nodule_table), "--calibration", str(together), "--no-measures"]
    known = ["--patient", "age=70,sex=F"]
    assert run(["infer", str(study.nifti), *options, *known, "-o", str(tmp_path / "a"), "--report"]) == 0
    assert "image and patient together: age, sex" in capfd.readouterr().out
    assert "image and patient together: age, sex" in (tmp_path / "a" / "report.html").read_text()
    record = read_results(tmp_path / "a" / "results.json")
    assert all(nodule.patient and nodule.patient.used == ("age", "sex") for nodule in record.cases[0].nodules)
    assert record.run is not None
    assert record.run.options["patient"] == ("age", "sex")  # which, and not what: a manifest is passed on


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("age", "names of age, sex"),
        ("shoe=44", "names of age, sex"),
        ("age=old", "Expected a value of age that can be understood"),
        ("age=65,age=70", "Expected each name once"),
    ],
)
def test_what_cannot_be_understood_of_a_patient_is_refused(
    study: DemoStudy, tmp_path: Path, told: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--nodules", str(study.nodule_table), "-o", str(tmp_path), "--patient", told]
    assert run(["infer", str(study.nifti), *options]) == 2
    assert said in capfd.readouterr().err


def test_a_calibration_of_other_weights_is_refused(together: Path, tmp_path: Path) -> None:
    other = read_calibration(together).model_copy(update={"weights_sha256": "0" * 64})
    path = write_calibration(other, tmp_path / "other.json")
    with pytest.raises(InputRefusedError, match="untrusted_bundle: Expected the calibration of weights"):
        Scorer(None, device="cpu", calibration=path)
