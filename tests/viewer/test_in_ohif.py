"""What a radiologist sees: the results in OHIF, out of a PACS, on the right slice, in the right place, word for word.

Needs Debian's orthanc and orthanc-dicomweb, chromium, and the viewer that npm's @ohif/app ships (`make test-viewer`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results import finding_codes as codes
from nodulus.pipeline.results.record import CaseResult, NoduleResult, read_results
from nodulus.pipeline.writers.name_uids import uid_named
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume
from tests.support.chromium import Page, open_page
from tests.support.orthanc import running_orthanc, store
from tests.support.viewer_origin import viewer_origin

VIEWER, NEEDED = "NODULUS_OHIF", "NODULUS_REQUIRE_VIEWER"
LOADS_WITHIN_S = 600
KNOWN = json.loads((Path(__file__).parents[1] / "behaviour" / "known_results.json").read_text())

SHOWN = "window.services?.displaySetService?.getActiveDisplaySets().map(each => each.Modality).sort().join()"
LOAD_REPORT = """(async () => {
  const sets = window.services.displaySetService.getActiveDisplaySets();
  const report = sets.find(each => each.Modality === "SR");
  if (!report.isLoaded) await report.load();
  const grid = window.services.viewportGridService;
  grid.setDisplaySetsForViewport({
    viewportId: grid.getActiveViewportId(), displaySetInstanceUIDs: [report.displaySetInstanceUID],
  });
  return {n_marks: report.measurements.length, can_be_edited: !!report.isRehydratable};
})()"""
# The first visit is offered a tour, which would lie over the picture.
END_TOUR = """(() => {
  const button = [...document.querySelectorAll("button")].find(each => /Skip all/.test(each.textContent));
  button?.click();
  return !!button;
})()"""
MARKS = """(() => {
  const images = cornerstone.utilities;
  return cornerstoneTools.annotation.state.getAllAnnotations()
    .filter(each => each.metadata.toolName === "DICOMSRDisplay" && each.metadata.referencedImageId)
    .map(each => {
      const points = each.data.handles.points.map(point => [0, 1, 2].map(axis => point[axis]));
      const image = each.metadata.referencedImageId;
      return {
        tracking_uid: each.data.TrackingUniqueIdentifier, image, points_lps_mm: points,
        points_px: points.map(point => [...images.worldToImageCoords(image, point)]),
        labels: each.data.labels.map(({label, value}) => [label, value]),
      };
    });
})()"""
ON_SCREEN = """(() => {
  const viewport = window.cornerstone?.getEnabledElements()[0]?.viewport;
  if (!viewport) return null;
  const layer = document.querySelector("svg.svg-layer");
  const ring = layer?.querySelector("ellipse, circle");
  const middle = ring && [Number(ring.getAttribute("cx")), Number(ring.getAttribute("cy"))];
  return ring && layer.querySelector("tspan") && {
    image: viewport.getCurrentImageId(), lps_mm: [...viewport.canvasToWorld(middle)],
    lines: [...layer.querySelectorAll("tspan")].map(each => each.textContent),
  };
})()"""


@pytest.fixture(scope="module")
def viewer() -> Path:
    place = Path(os.environ.get(VIEWER, ""))
    if not (place / "app-config.js").is_file():
        reason = f"no built viewer: set {VIEWER} to the dist folder of npm's @ohif/app (make test-viewer does)"
        if os.environ.get(NEEDED) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return place


@dataclass(frozen=True, eq=False)
class Seen:
    """A case, and what the viewer shows of it."""

    case: CaseResult
    volume: CTVolume
    marks: dict[str, dict[str, Any]]
    on_screen: dict[str, Any]
    can_be_edited: bool

    def mark_of(self, nodule: NoduleResult) -> dict[str, Any]:
        return self.marks[uid_named("nodule", str(self.volume.attributes["series_uid"]), nodule.nodule_id)]


@pytest.fixture(scope="module", params=["phantom", "LIDC-IDRI-0001", "LIDC-IDRI-0003"])
def seen(request: pytest.FixtureRequest, viewer: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp(request.param)
    scan, table = _inputs(request, folder)
    out = folder / "out"
    assert run(["infer", str(scan), "--nodules", str(table), "--sr", "--key-images", "-o", str(out), "-q"]) in (0, 4)
    (case,) = read_results(out / "results.json").cases
    volume = open_ct(scan)
    files = [*_files_of(scan, folder / "ct"), *(out / name for name in case.files)]
    with running_orthanc(folder / "pacs") as pacs, viewer_origin(viewer, pacs) as origin, open_page(folder) as page:
        store(pacs, files)
        page.open(f"{origin}/viewer?StudyInstanceUIDs={volume.attributes['study_uid']}")
        marks, on_screen, can_be_edited = _look(page, folder / f"{request.param}.png")
    return Seen(case, volume, {mark["tracking_uid"]: mark for mark in marks}, on_screen, can_be_edited)


def _inputs(request: pytest.FixtureRequest, folder: Path) -> tuple[Path, Path]:
    table = folder / "nodules.csv"
    if request.param == "phantom":
        study: DemoStudy = request.getfixturevalue("study")
        table.write_text(study.nodule_table.read_text() + "beside,900,0,0,8\n")
        return study.dicom_folder, table
    nodules = KNOWN[request.param][0]["nodules"]
    rows = [[each["nodule_id"], *each["center_lps_mm"], each["diameter_mm"]] for each in nodules]
    lines = [",".join(map(str, row)) for row in rows]
    table.write_text("\n".join(["nodule_id,x_mm,y_mm,z_mm,diameter_mm", *lines]) + "\n")
    data: Path = request.getfixturevalue("data_dir")
    return data / "lidc_dicom" / f"{request.param}.zip", table


def _files_of(scan: Path, folder: Path) -> Iterator[Path]:
    if scan.is_dir():
        yield from sorted(scan.iterdir())
        return
    import zipfile

    with zipfile.ZipFile(scan) as archive:
        archive.extractall(folder)
    yield from sorted(path for path in folder.rglob("*.dcm"))


def _look(page: Page, picture: Path) -> tuple[list[dict[str, Any]], dict[str, Any], bool]:
    """Return the viewer's marks of the report, what it draws of the first, whether it would let them be edited."""
    page.wait_for(f"{SHOWN} === 'CT,OT,SR'", LOADS_WITHIN_S)
    report = page.run(LOAD_REPORT)
    assert report["n_marks"] > 0
    on_screen = page.wait_for(ON_SCREEN, LOADS_WITHIN_S)
    marks = page.run(MARKS)
    page.run(END_TOUR)
    page.wait_for(f"!({END_TOUR})", LOADS_WITHIN_S)
    page.save_picture(picture)
    if kept := os.environ.get("NODULUS_PICTURES"):
        page.save_picture(Path(kept) / picture.name)
    return marks, on_screen, report["can_be_edited"]


def placed(seen: Seen) -> list[NoduleResult]:
    return [nodule for nodule in seen.case.nodules if seen.volume.grid.contains_lps(nodule.center_lps_mm)]


def test_every_nodule_in_the_scan_is_marked(seen: Seen) -> None:
    assert len(seen.marks) == len(placed(seen)) > 0


def test_marks_are_on_the_right_slice(seen: Seen) -> None:
    for nodule in placed(seen):
        k = round(float(seen.volume.grid.voxel_from_lps(nodule.center_lps_mm)[2]))
        assert f"/instances/{seen.volume.slices[k].sop_instance_uid}/" in seen.mark_of(nodule)["image"]


def test_circles_are_about_the_nodules_within_a_pixel(seen: Seen) -> None:
    for nodule in placed(seen):
        mark = seen.mark_of(nodule)
        column, row, _ = seen.volume.grid.voxel_from_lps(nodule.center_lps_mm)
        # Cornerstone counts a pixel's centre as 0, as our indices do.
        assert np.mean(mark["points_px"], axis=0) == pytest.approx([column, row], abs=1.0)
        apart = np.subtract(np.mean(mark["points_lps_mm"], axis=0), nodule.center_lps_mm)
        assert np.linalg.norm(apart[:2]) < max(seen.volume.grid.spacing_mm[:2])
        radii_mm = np.linalg.norm(np.subtract(mark["points_lps_mm"], np.mean(mark["points_lps_mm"], axis=0)), axis=1)
        assert radii_mm == pytest.approx(nodule.diameter_mm / 2, abs=0.01)


def test_the_text_of_every_mark_is_that_of_the_record(seen: Seen) -> None:
    for nodule in placed(seen):
        labels = dict(seen.mark_of(nodule)["labels"])
        assert labels["Diameter"] == f"{nodule.diameter_mm:.2f} mm"
        if nodule.probabilities is None or nodule.size_only is None:
            continue
        assert percent(labels[codes.SCORE.meaning]) == pytest.approx(100 * nodule.probabilities.malignant, abs=0.00501)
        assert percent(labels[codes.SIZE_ONLY.meaning]) == pytest.approx(100 * nodule.size_only.malignant, abs=0.00501)
        for name, rating in nodule.characteristics.items():
            said, unit = labels[codes.RATINGS[name].meaning].split()
            assert float(said) == pytest.approx(rating, abs=0.00501)
            assert unit == "{rating}"


def percent(label: str) -> float:
    said, unit = label.split()
    assert unit == "%"
    return float(said)


def test_marks_are_shown_and_not_offered_to_be_edited(seen: Seen) -> None:
    """As the pages say; where a later OHIF would turn them into measurements, the pages are to be changed."""
    assert not seen.can_be_edited


def test_the_first_nodule_is_drawn_on_the_screen(seen: Seen) -> None:
    (mark,) = [each for each in seen.marks.values() if each["image"] == seen.on_screen["image"]][:1]
    middle = np.mean(mark["points_lps_mm"], axis=0)
    assert seen.on_screen["lps_mm"] == pytest.approx(middle, abs=min(seen.volume.grid.spacing_mm[:2]))
    lines = [f"{label}: {value}" for label, value in mark["labels"]]
    assert seen.on_screen["lines"][:3] == lines[:3]
