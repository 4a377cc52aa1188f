"""Series drawn at random: what is accepted samples the right value at any place, what is broken is refused by name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless
from scipy.spatial.transform import Rotation

from nodulus.transforms.patches.box import patch_affine_ras
from nodulus.transforms.patches.patch import cut_patch, sample_voxels
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct as open_any
from nodulus.transforms.volume import CTVolume
from tests.support.dicom_series_writer import SeriesSpec, ds_text, linear_hu, write_slices

Floats = NDArray[np.float64]

# Stored numbers are rounded to 1 HU, positions to 16 characters, samples to float32.
TOLERANCE_HU = 0.6

# Series anywhere and of any size show no air, no tissue, or values beyond both: here geometry is on trial.
ANY_VALUES = frozenset({Code.NOT_HOUNSFIELD})

# A field without anatomy: whether it shows a lung is not what is asked here.
open_ct = partial(open_any, expect_lung=False)

EXAMPLES = settings(max_examples=50, deadline=None)
MUTATIONS = settings(max_examples=200, deadline=None)


@st.composite
def axes(draw: st.DrawFn) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return row and column cosines: a signed permutation, turned by any angle or by none."""
    permutation = np.eye(3)[list(draw(st.permutations([0, 1, 2])))]
    signs = np.array([draw(st.sampled_from([-1.0, 1.0])) for _ in range(2)])
    turn = Rotation.from_euler("xyz", [draw(st.sampled_from([0.0, 0.3, 11.0, 40.0])) for _ in range(3)], degrees=True)
    row, column = (turn.as_matrix() @ permutation.T)[:, :2].T * signs[:, None]
    return tuple(float(value) for value in row), tuple(float(value) for value in column)


def orders(n_slices: int) -> list[tuple[int, ...]]:
    """Return orders that slices are written in: by position, against it, interleaved."""
    upward = tuple(range(n_slices))
    return [upward, upward[::-1], upward[::2] + upward[1::2]]


@st.composite
def good_series(draw: st.DrawFn) -> SeriesSpec:
    row, column = draw(axes())
    n_slices = draw(st.integers(5, 9))
    slopes = draw(st.sampled_from([(1.0,), (0.5,), (1.0, 0.25), (0.25, 1.0, 0.5)]))
    return SeriesSpec(
        columns=draw(st.integers(5, 12)),
        rows=draw(st.integers(5, 12)),
        spacing_rows_columns_mm=(draw(st.sampled_from([0.5, 0.703125, 1.3])), draw(st.sampled_from([0.5, 0.976562]))),
        step_mm=draw(st.sampled_from([0.5, 0.625, 1.25, 2.0, 3.0])),
        positions=tuple(float(k) for k in range(n_slices)),
        origin_lps_mm=tuple(draw(st.floats(-20, 20).map(lambda value: round(value, 3))) for _ in range(3)),  # type: ignore[arg-type]  # three of them
        row=row,  # type: ignore[arg-type]  # three of them
        column=column,  # type: ignore[arg-type]  # three of them
        slopes=slopes,
        intercepts=(-4000.0,),
        is_signed=draw(st.booleans()),
        thickness_mm=None,
        order=draw(st.sampled_from(orders(n_slices))),
    )


@contextmanager
def written(slices: list[Dataset], syntax: str = ExplicitVRLittleEndian) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield write_slices(slices, folder, syntax)
    finally:
        shutil.rmtree(folder)


def random_points(spec: SeriesSpec, seed: int) -> Floats:
    """Return LPS points inside the hull of the voxel centres, mm."""
    rng = np.random.default_rng(seed)
    along = rng.uniform(min(spec.positions), max(spec.positions), 30) * spec.step_mm
    i = rng.uniform(0, spec.columns - 1, 30) * spec.spacing_rows_columns_mm[1]
    j = rng.uniform(0, spec.rows - 1, 30) * spec.spacing_rows_columns_mm[0]
    row, column = np.array(spec.row), np.array(spec.column)
    axis = spec.normal + spec.shear[0] * row + spec.shear[1] * column
    return np.asarray(np.array(spec.origin_lps_mm) + np.outer(along, axis) + np.outer(i, row) + np.outer(j, column))


def assert_samples_the_field(volume: CTVolume, spec: SeriesSpec, tolerance_hu: float = TOLERANCE_HU) -> None:
    points = random_points(spec, seed=1)
    voxels = volume.grid.voxel_from_lps(points)
    assert volume.grid.contains_voxel(voxels).all()
    np.testing.assert_allclose(sample_voxels(volume, voxels), linear_hu(points), atol=tolerance_hu)


@EXAMPLES
@given(spec=good_series())
def test_every_accepted_series_samples_the_field_at_any_point(spec: SeriesSpec) -> None:
    with written(spec.slices()) as folder:
        volume = open_ct(folder, allow=ANY_VALUES)
        assert {problem.code for problem in volume.warnings} <= ANY_VALUES
        assert_samples_the_field(volume, spec)
        center = random_points(spec, seed=2).mean(axis=0)
        patch = cut_patch(volume, patch_affine_ras(center, 5, 0.3), 5)
        middle = patch.affine_ras @ [2, 2, 2, 1] * [-1, -1, 1, 1]
        np.testing.assert_allclose(patch.intensity_hu[2, 2, 2], linear_hu(middle[:3]), atol=TOLERANCE_HU)


@EXAMPLES
@given(spec=good_series(), tilt=st.tuples(st.floats(-0.5, 0.5), st.floats(0.01, 0.5)))
def test_a_tilt_is_refused_and_exact_when_allowed(spec: SeriesSpec, tilt: tuple[float, float]) -> None:
    spec = replace(spec, shear=tilt)
    with written(spec.slices()) as folder:
        assert code_of(folder) == Code.TILTED
        assert_samples_the_field(open_ct(folder, allow=[Code.TILTED, *ANY_VALUES]), spec)


@EXAMPLES
@given(spec=good_series(), data=st.data())
def test_gaps_are_refused_and_exact_when_allowed(spec: SeriesSpec, data: st.DataObject) -> None:
    n_lost = data.draw(st.integers(1, 3))
    after = data.draw(st.integers(1, len(spec.positions) - 3))
    shifted = tuple(place + n_lost * (k > after) for k, place in enumerate(spec.positions))
    spec = replace(spec, positions=shifted)
    with written(spec.slices()) as folder:
        assert code_of(folder) == Code.MISSING_SLICES
        volume = open_ct(folder, allow=[Code.MISSING_SLICES, *ANY_VALUES])
        assert volume.gaps_k == (after,)
        assert_samples_the_field(volume, spec)


@EXAMPLES
@given(spec=good_series(), data=st.data())
def test_uneven_distances_are_refused_and_exact_when_allowed(spec: SeriesSpec, data: st.DataObject) -> None:
    moved = data.draw(st.integers(1, len(spec.positions) - 2))
    by = data.draw(st.sampled_from([-0.45, -0.3, 0.25, 0.35, 0.45]))
    spec = replace(spec, positions=tuple(place + by * (k == moved) for k, place in enumerate(spec.positions)))
    with written(spec.slices()) as folder:
        assert code_of(folder) == Code.NONUNIFORM_SPACING
        assert_samples_the_field(open_ct(folder, allow=[Code.NONUNIFORM_SPACING, *ANY_VALUES]), spec)


@EXAMPLES
@given(spec=good_series(), data=st.data())
def test_copies_change_nothing_and_other_images_at_a_place_are_refused(spec: SeriesSpec, data: st.DataObject) -> None:
    copied = data.draw(st.integers(0, len(spec.positions) - 1))
    spec = replace(spec, order=(*spec.order, copied))
    with written(spec.slices()) as folder:
        volume = open_ct(folder, allow=ANY_VALUES)
        assert {problem.code for problem in volume.warnings} - ANY_VALUES == {Code.DUPLICATE_SLICES}
        assert_samples_the_field(volume, spec)
    slices = spec.slices()
    slices[-1].RescaleIntercept = ds_text(float(slices[-1].RescaleIntercept) + 7)
    with written(slices) as folder:
        assert code_of(folder) == Code.DUPLICATE_SLICES


NUMBER_FIELDS = ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
WHOLE_FIELDS = ["Rows", "Columns"]
TEXT_FIELDS = ["SeriesInstanceUID", "FrameOfReferenceUID", "StudyInstanceUID", "ImageType", "Modality", "SOPClassUID"]


@st.composite
def mutation(draw: st.DrawFn) -> tuple[str, int, object]:
    """Return a field, which of its numbers changes, and by or to what."""
    keyword = draw(st.sampled_from(NUMBER_FIELDS + WHOLE_FIELDS + TEXT_FIELDS))
    if keyword in NUMBER_FIELDS:
        count = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}[keyword]
        change = draw(
            st.one_of(st.floats(-50, 50), st.sampled_from([0.0005, -0.01, 0.25, 1.0, -2.0, 2.0, 18.0, -18.0]))
        )
        return keyword, draw(st.integers(0, count - 1)), change
    if keyword in WHOLE_FIELDS:
        return keyword, 0, draw(st.sampled_from([-3, -1, 1, 4]))
    return keyword, 0, "1.2.3" if "UID" in keyword else draw(st.sampled_from(["LOCALIZER", "MR"]))


def mutate(ds: Dataset, change: tuple[str, int, object]) -> None:
    keyword, index, by = change
    if keyword in TEXT_FIELDS:
        setattr(ds, keyword, by)
    elif keyword in WHOLE_FIELDS:
        assert isinstance(by, int)
        setattr(ds, keyword, getattr(ds, keyword) + by)
    else:
        assert isinstance(by, float)
        values = [float(value) for value in getattr(ds, keyword)]
        values[index] += by
        setattr(ds, keyword, [ds_text(value) for value in values])


@MUTATIONS
@given(change=mutation(), which=st.integers(0, 8))
def test_no_header_field_of_one_slice_silently_changes_the_geometry(
    change: tuple[str, int, object], which: int
) -> None:
    spec = SeriesSpec()
    slices = spec.slices()
    mutate(slices[which], change)
    with written(slices) as folder:
        try:
            volume = open_ct(folder, allow=ANY_VALUES)
        except InputRefusedError:
            return
        if {problem.code for problem in volume.warnings} <= ANY_VALUES:
            # The tolerance of positions, 0.1 mm, is worth 5.3 HU in this field; twice where both ends of a step move.
            assert_samples_the_field(volume, spec, TOLERANCE_HU + 10.6)


@MUTATIONS
@given(
    data=st.data(),
    syntax=st.sampled_from([ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, JPEGLSLossless]),
)
def test_damaged_bytes_end_in_a_refusal_or_a_volume_and_never_in_a_crash(data: st.DataObject, syntax: str) -> None:
    slices = SeriesSpec(positions=(0, 1, 2, 3)).slices()
    if syntax == JPEGLSLossless:
        for ds in slices:
            ds.compress(JPEGLSLossless, generate_instance_uid=False)
    with written(slices, syntax) as folder:
        path = folder / "0001.dcm"
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, 999)) % len(content)
            content[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0xFF, 0xFE, ord("9"), ord("-"), content[at] ^ 1]))
        path.write_bytes(content[: data.draw(st.one_of(st.none(), st.integers(0, 1500)))])
        with suppress(InputRefusedError):
            open_ct(folder).read_all()


def code_of(folder: Path) -> Code:
    try:
        open_ct(folder)
    except InputRefusedError as error:
        return error.problem.code
    raise AssertionError("Expected a refusal, got a volume")
