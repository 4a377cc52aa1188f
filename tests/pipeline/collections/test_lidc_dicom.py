"""LIDC-IDRI as published: the readers' XML and the DICOM series become nodules with the readers' ratings."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from nodulus.pipeline.collections.lidc_dicom import lidc_nodules, lidc_series
from nodulus.pipeline.collections.lidc_xml import read_lidc_xml
from nodulus.pipeline.collections.scan_index import index_scans
from nodulus.pipeline.command.main import run
from nodulus.pipeline.data.data_list import read_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.transforms.geometry import apply_affine
from nodulus.transforms.problems import ProblemCode, UsageError
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume
from tests.support.dicom_series_writer import SeriesSpec
from tests.support.marked_scans import LIDC_UID, SPACING_MM, Ball, Outlined, lidc_xml, write_series

LARGE, SMALL, TINY = Ball((30.0, 34.0, 16.0), 12.0), Ball((48.0, 46.0, 25.0), 6.0), Ball((20.0, 30.0, 9.0), 3.0)
ALLOW = frozenset({ProblemCode.NOT_HOUNSFIELD, ProblemCode.TOO_FEW_SLICES})
# Four readers: all mark the large one, three the small one, one a third, and one a point below 3 mm.
READERS = (
    (Outlined(LARGE, 5, 0.0), Outlined(SMALL, 2)),
    (Outlined(LARGE, 4, 1.0), Outlined(SMALL, 1), Outlined(TINY, None)),
    (Outlined(LARGE, 4, -1.0),),
    (Outlined(SMALL, 1), Outlined(Ball((16.0, 44.0, 30.0), 5.0), 3), Outlined(LARGE, 3)),
)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SeriesSpec]:
    root = tmp_path_factory.mktemp("LIDC-IDRI")
    folder = root / "LIDC-IDRI-0101" / "01-01-2000-NA-NA-30178" / "3000566.000000-NA-03192"
    spec = write_series(folder, "LIDC-IDRI-0101", LIDC_UID.format(101), (LARGE, SMALL), seed=1)
    return root, spec


@pytest.mark.parametrize("with_uids", [True, False], ids=["slices by UID", "slices by z"])
def test_marks_become_nodules_with_the_ratings_of_all_readers(
    with_uids: bool, series: tuple[Path, SeriesSpec], tmp_path: Path
) -> None:
    root, spec = series
    (tmp_path / "157").mkdir()
    (tmp_path / "157" / "158.xml").write_text(lidc_xml(spec, READERS, with_uids=with_uids))
    found, n_elsewhere = lidc_series(index_scans(root), tmp_path)
    assert n_elsewhere == 0
    nodules, left_out = lidc_nodules(found, allow=ALLOW)
    assert left_out == {}
    large, small = nodules  # from the lowest slice up; what one reader marked alone is none
    assert [one.nodule_id for one in nodules] == ["LIDC-IDRI-0101_1", "LIDC-IDRI-0101_2"]
    assert (list(large.ratings or ()), large.label) == ([5, 4, 4, 3], 1)
    assert (list(small.ratings or ()), small.label) == ([2, 1, 1], 0)
    assert (large.characteristics or {})["internal_structure"] == [1, 1, 1, 1]
    for nodule, ball in ((large, LARGE), (small, SMALL)):
        assert nodule.position == pytest.approx(ball.center_lps_mm, abs=0.15)
        assert nodule.diameter_mm == pytest.approx(ball.diameter_mm, rel=0.05)
        reach = np.subtract(nodule.box_lps_mm[3:], nodule.box_lps_mm[:3]) if nodule.box_lps_mm else np.zeros(3)
        assert reach == pytest.approx(ball.diameter_mm, abs=2 * max(SPACING_MM))


@pytest.mark.parametrize(("min_readers", "n"), [(1, 3), (3, 2), (4, 1)])
def test_how_many_readers_must_agree_is_asked(
    min_readers: int, n: int, series: tuple[Path, SeriesSpec], tmp_path: Path
) -> None:
    root, spec = series
    (tmp_path / "069.xml").write_text(lidc_xml(spec, READERS))
    found, _ = lidc_series(index_scans(root), tmp_path)
    assert len(lidc_nodules(found, min_readers=min_readers, allow=ALLOW)[0]) == n


def test_two_near_nodules_are_parted_when_more_than_four_marks_hang_together(
    series: tuple[Path, SeriesSpec], tmp_path: Path
) -> None:
    root, spec = series
    near = Ball((30.0, 34.0 + 15.0, 16.0), 7.0)  # outlines about a pixel apart, less than a slice's thickness
    readers = [(Outlined(LARGE, 4), Outlined(near, 2)) for _ in range(4)]
    (tmp_path / "069.xml").write_text(lidc_xml(spec, readers))
    nodules, _ = lidc_nodules(lidc_series(index_scans(root), tmp_path)[0], allow=ALLOW)
    assert sorted(tuple(one.ratings or ()) for one in nodules) == [(2, 2, 2, 2), (4, 4, 4, 4)]


def test_an_area_that_is_excluded_is_no_part_of_the_nodule(series: tuple[Path, SeriesSpec], tmp_path: Path) -> None:
    root, spec = series
    diameters = []
    for hole_px in (0.0, 4.0):
        (tmp_path / "069.xml").write_text(lidc_xml(spec, [(Outlined(LARGE, 4, hole_px=hole_px),)]))
        (nodule,), _ = lidc_nodules(lidc_series(index_scans(root), tmp_path)[0], min_readers=1, allow=ALLOW)
        diameters.append(nodule.diameter_mm or 0.0)
    assert diameters[1] < 0.95 * diameters[0]


def test_the_command_writes_list_and_crops(
    series: tuple[Path, SeriesSpec], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root, spec = series
    xml = tmp_path / "tcia-lidc-xml"
    xml.mkdir()
    (xml / "158.xml").write_text(lidc_xml(spec, READERS))
    elsewhere = lidc_xml(spec, READERS).replace(spec.series_uid, LIDC_UID.format(999))
    (xml / "159.xml").write_text(elsewhere)
    (xml / "160.xml").write_text('<IdriReadMessage xmlns="http://www.nih.gov"/>')  # of a chest radiograph
    words = ["prepare", "lidc", "--dicom", str(root), "--xml", str(xml), "--allow", "not_hounsfield,too_few_slices"]
    assert run([*words, "--test-patients", "all", "-o", str(tmp_path / "list.json")]) == 0
    said = capfd.readouterr().out
    assert "passed over: the readings of 1 series that are not below" in said
    data = read_data_list(tmp_path / "list.json")
    assert [item.patient_id for item in data.test] == ["LIDC-IDRI-0101"] * 2
    assert all((tmp_path / item.image).is_file() for item in data.test)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<LidcReadMessage", "Expected XML, got"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><LidcReadMessage/>', "got a DOCTYPE"),
        ("<LidcReadMessage/>", "Expected SeriesInstanceUid"),
        (
            "<LidcReadMessage><ResponseHeader><SeriesInstanceUid>1</SeriesInstanceUid></ResponseHeader><readingSession>"
            "<unblindedReadNodule><roi><imageZposition>far</imageZposition></roi></unblindedReadNodule></readingSession>"
            "</LidcReadMessage>",
            "Expected readers' nodules, got could not convert",
        ),
    ],
)
def test_what_is_no_reading_is_said_in_a_line(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "1.xml").write_text(content)
    with pytest.raises(UsageError, match=message):
        read_lidc_xml(tmp_path / "1.xml")


@pytest.mark.parametrize("patient", ["LIDC-IDRI-0001", "LIDC-IDRI-0003"])
def test_the_published_centres_are_found_again_in_the_real_scans(patient: str, data_dir: Path, tmp_path: Path) -> None:
    """With outlines along the published masks, which are what half of the readers agreed on: no XML is at hand."""
    with zipfile.ZipFile(data_dir / "lidc_dicom" / f"{patient}.zip") as archive:
        archive.extractall(tmp_path / patient)
    published = [one for one in read_crops(data_dir / "lidc_nodules", tmp_path) if one.patient_id == patient]
    uid = str((published[0].model_extra or {})["series_uid"])
    volume = open_ct(tmp_path / patient, series_uid=uid)
    masks = data_dir / "lidc_nodules" / "masks"
    places_of = {}
    for one in published:
        image = nib.load(masks / f"{one.nodule_id}.nii.gz")
        held = np.argwhere(np.asarray(image.dataobj) > 0)
        places_of[one.nodule_id] = apply_affine(image.affine, held) * [-1, -1, 1]
    sessions = []
    for reader in range(4):
        marks = ""
        for one in published:
            voxels = np.rint(volume.grid.voxel_from_lps(places_of[one.nodule_id])).astype(int)
            marks += _mark(voxels, volume, (one.ratings or ())[reader])
        sessions.append(f"<readingSession>{marks}</readingSession>")
    head = f"<ResponseHeader><SeriesInstanceUid>{uid}</SeriesInstanceUid></ResponseHeader>"
    text = f'<LidcReadMessage xmlns="http://www.nih.gov">{head}{"".join(sessions)}</LidcReadMessage>'
    (tmp_path / patient / "069.xml").write_text(text)
    nodules, _ = lidc_nodules(lidc_series(index_scans(tmp_path), tmp_path)[0])
    assert len(nodules) == len(published)
    for one in published:
        away_mm = [float(np.linalg.norm(np.subtract(each.position, one.center_lps_mm))) for each in nodules]
        nearest = nodules[int(np.argmin(away_mm))]
        assert min(away_mm) < 2.5  # so far a mask's centroid lies from the mean of the readers' own
        assert nearest.position == pytest.approx(places_of[one.nodule_id].mean(axis=0), abs=0.2)
        assert tuple(nearest.ratings or ()) == one.ratings
        assert nearest.label == one.label
        # Half of the readers hold more than a reader does on average, most of an uneven nodule.
        assert nearest.diameter_mm == pytest.approx(one.diameter_mm, rel=0.2)
    shutil.rmtree(tmp_path / patient)


def _mark(voxels: NDArray[np.int64], volume: CTVolume, malignancy: int) -> str:
    """Return a reader's nodule whose outlines are the rims of some voxels: the published masks hold the outlines."""
    rois = ""
    for k in np.unique(voxels[:, 2]):
        disc = np.zeros((512, 512), dtype=bool)
        disc[tuple(voxels[voxels[:, 2] == k][:, :2].T)] = True
        ring = np.argwhere(disc & ~binary_erosion(disc))
        middle = ring.mean(axis=0)
        ring = ring[np.argsort(np.arctan2(*(ring - middle).T[::-1]))]
        uid = volume.slices[int(k)].sop_instance_uid
        edges = "".join(f"<edgeMap><xCoord>{i}</xCoord><yCoord>{j}</yCoord></edgeMap>" for i, j in ring)
        rois += f"<roi><imageZposition>0</imageZposition><imageSOP_UID>{uid}</imageSOP_UID><inclusion>TRUE</inclusion>"
        rois += f"{edges}</roi>"
    rated = f"<characteristics><malignancy>{malignancy}</malignancy></characteristics>"
    return f"<unblindedReadNodule><noduleID>1</noduleID>{rated}{rois}</unblindedReadNodule>"
