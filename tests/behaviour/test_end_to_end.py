"""From a real scan to a result, through the doors that users take."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from nodulus.pipeline.command.main import run
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.open_case import ReadOptions, open_case, open_scan
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.problems import InputRefusedError, ProblemCode

# data/README.md of the collection: position (LPS mm) and diameter (mm) of the four nodules of its two whole scans.
KNOWN = {
    "LIDC-IDRI-0001_R_1": ("LIDC-IDRI-0001.zip", (56.208, 86.343, -115.868), 23.4),
    "LIDC-IDRI-0003_R_2": ("LIDC-IDRI-0003.zip", (72.287, 76.900, -190.459), 21.5),
    "LIDC-IDRI-0003_R_3": ("LIDC-IDRI-0003.zip", (23.491, -47.634, -172.279), 8.8),
    "LIDC-IDRI-0003_R_4": ("LIDC-IDRI-0003.zip", (-47.403, -30.171, -169.624), 12.8),
}


def nodules_of(archive: str) -> list[dict[str, Any]]:
    return [
        {"nodule_id": name, "center_lps_mm": center, "diameter_mm": diameter}
        for name, (scan, center, diameter) in KNOWN.items()
        if scan == archive
    ]


def write_table(path: Path, archive: str) -> Path:
    rows = [[n["nodule_id"], *n["center_lps_mm"], n["diameter_mm"]] for n in nodules_of(archive)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm"], *rows])
    return path


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(device="cpu")


@pytest.fixture(scope="module")
def unzipped(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unzipped")
    with zipfile.ZipFile(data_dir / "lidc_dicom" / "LIDC-IDRI-0001.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("archive", ["LIDC-IDRI-0001.zip", "LIDC-IDRI-0003.zip"])
def test_known_nodules_of_a_zipped_scan_are_scored(archive: str, data_dir: Path, tmp_path: Path) -> None:
    table = write_table(tmp_path / "nodules.csv", archive)

    code = run(["infer", str(data_dir / "lidc_dicom" / archive), "--nodules", str(table), "-o", str(tmp_path / "out")])

    assert code == 0
    results = read_results(tmp_path / "out" / "results.json")
    (case,) = results.cases
    assert case.status == "scored"
    assert [nodule.nodule_id for nodule in case.nodules] == [n["nodule_id"] for n in nodules_of(archive)]
    for nodule in case.nodules:
        assert nodule.probabilities is not None
        assert nodule.probabilities.benign + nodule.probabilities.malignant == pytest.approx(1, abs=1e-6)
    rows = list(csv.DictReader((tmp_path / "out" / "results.csv").read_text().splitlines()))
    assert [row["nodule_id"] for row in rows] == [nodule.nodule_id for nodule in case.nodules]


def test_large_suspicious_nodules_score_above_the_small_ones(data_dir: Path, scorer: Scorer) -> None:
    malignant = {
        nodule.nodule_id: nodule.probabilities.malignant
        for archive in ("LIDC-IDRI-0001.zip", "LIDC-IDRI-0003.zip")
        for nodule in scorer.score(data_dir / "lidc_dicom" / archive, nodules_of(archive)).nodules
        if nodule.probabilities is not None
    }
    # Readers: 5|5|5|4 and 5|5|3|4 against 4|4|3|2. None of these patients was trained on.
    assert min(malignant["LIDC-IDRI-0001_R_1"], malignant["LIDC-IDRI-0003_R_2"]) > malignant["LIDC-IDRI-0003_R_3"]


@pytest.mark.parametrize("nodule_id", KNOWN)
def test_patch_of_the_scan_equals_the_patch_of_the_published_crop(
    nodule_id: str, data_dir: Path, scorer: Scorer
) -> None:
    archive, *_ = KNOWN[nodule_id]
    with (data_dir / "lidc_nodules" / "nodules.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["nodule_id"] == nodule_id)
    nodule = Nodule(
        nodule_id=nodule_id,
        center_lps_mm=(float(row["center_x_mm"]), float(row["center_y_mm"]), float(row["center_z_mm"])),
        diameter_mm=float(row["diameter_mm"]),
        box_lps_mm=tuple(float(row[f"bbox_{end}_{axis}_mm"]) for end in ("low", "high") for axis in "xyz"),  # type: ignore[arg-type]
    )
    crop = data_dir / "lidc_nodules" / "images" / f"{nodule_id}.nii.gz"
    how = ReadOptions(allow=(ProblemCode.TOO_FEW_SLICES, ProblemCode.NOT_HOUNSFIELD))  # the crop's
    cut = scorer.preprocessing.transforms[1]  # the patch in Hounsfield units, before the window

    patches, covered = [], None
    for path in (data_dir / "lidc_dicom" / archive, crop):
        opened = open_case(open_scan(path, how), [nodule], how)
        assert opened.volume is not None, opened.problem
        patch = cut(opened.items[0])["image"]
        patches.append(np.asarray(patch[0]))
        if path == crop:
            covered = _covered(patch.affine.numpy(), patches[0].shape, opened.volume)

    assert covered is not None
    assert covered.sum() > 500
    assert np.abs(patches[0] - patches[1])[covered].max() <= 1.0


def _covered(affine_ras: Any, shape: tuple[int, ...], volume: Any) -> Any:
    """Return the patch's voxels that lie between the centres of the crop's outer voxels."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    lps = (index @ affine_ras[:3, :3].T + affine_ras[:3, 3]) * [-1, -1, 1]
    voxels = volume.grid.voxel_from_lps(lps)
    return np.all((voxels >= -1e-3) & (voxels <= np.asarray(volume.grid.size_xyz) - 1 + 1e-3), axis=-1)


def test_one_scan_scores_the_same_as_folder_zip_and_image_file(
    data_dir: Path, unzipped: Path, tmp_path: Path, scorer: Scorer
) -> None:
    archive = data_dir / "lidc_dicom" / "LIDC-IDRI-0001.zip"
    reader = sitk.ImageSeriesReader()
    (series,) = {path.parent for path in unzipped.rglob("*.dcm")}
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    image = reader.Execute()
    paths = [archive, unzipped, series]
    for name in ("scan.nii", "scan.nii.gz", "scan.mha", "scan.mhd", "scan.nrrd"):
        sitk.WriteImage(image, str(tmp_path / name))
        paths.append(tmp_path / name)

    scores = {}
    for path in paths:
        (nodule,) = scorer.score(path, nodules_of(archive.name)).nodules
        assert nodule.probabilities is not None
        scores[path.name] = nodule.probabilities.malignant

    assert max(scores.values()) - min(scores.values()) < 1e-4, scores


def test_a_point_outside_the_scan_is_refused_with_exit_code_3(
    data_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scan = data_dir / "lidc_dicom" / "LIDC-IDRI-0001.zip"
    code = run(["infer", str(scan), "--point", "0,0,900", "--diameter", "8", "-o", str(tmp_path)])
    assert code == 3
    problem_lines = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert len(problem_lines) == 1
    assert "nodule_outside" in problem_lines[0]
    (case,) = read_results(tmp_path / "results.json").cases
    assert case.nodules[0].problem is not None
    assert case.nodules[0].problem.code == "nodule_outside"


def test_a_nodule_outside_does_not_keep_the_others_from_a_score(data_dir: Path, scorer: Scorer) -> None:
    outside = {"nodule_id": "far", "center_lps_mm": (0, 0, 900), "diameter_mm": 8}
    archive = "LIDC-IDRI-0003.zip"
    result = scorer.score(data_dir / "lidc_dicom" / archive, [outside, *nodules_of(archive)])
    assert [nodule.probabilities is not None for nodule in result.nodules] == [False, True, True, True]


def test_box_of_the_nodule_is_all_the_network_sees(data_dir: Path, scorer: Scorer) -> None:
    archive = "LIDC-IDRI-0003.zip"
    nodule = nodules_of(archive)[1]
    opened = open_case(open_scan(data_dir / "lidc_dicom" / archive, ReadOptions()), [nodule], ReadOptions())
    patch = scorer.patches(opened.items)[0, 0].numpy()
    size, spacing_mm = patch.shape[2], scorer.preprocessing.transforms[1].spacing_mm[2]
    reach_mm = np.abs(np.arange(size) - size // 2) * spacing_mm
    half_z_mm = 0.4 * nodule["diameter_mm"]
    assert (patch[:, :, reach_mm > half_z_mm + 0.01] == 0).all()
    assert (patch[:, :, reach_mm <= half_z_mm] > 0).any()


def test_scores_go_to_json_that_the_schema_accepts(data_dir: Path, tmp_path: Path) -> None:
    import jsonschema

    table = write_table(tmp_path / "nodules.csv", "LIDC-IDRI-0001.zip")
    scan = data_dir / "lidc_dicom" / "LIDC-IDRI-0001.zip"
    assert run(["infer", str(scan), "--nodules", str(table), "-o", str(tmp_path / "out")]) == 0
    schema = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "results-1.2.schema.json").read_text())
    jsonschema.validate(json.loads((tmp_path / "out" / "results.json").read_text()), schema)


def test_a_refused_scan_raises_in_python(data_dir: Path, scorer: Scorer) -> None:
    with pytest.raises(InputRefusedError, match="unreadable"):
        scorer.score(data_dir / "README.md", nodules_of("LIDC-IDRI-0001.zip"))
