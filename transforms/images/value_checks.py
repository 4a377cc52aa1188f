"""The series gate for image files: shape and voxel values that no chest CT has are refused, or warned of, by name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.gate.hounsfield import hounsfield_problem
from nodulus.transforms.gate.image_rules import ENOUGH_VOXELS, POSITION, SPACING
from nodulus.transforms.gate.rule import GateRule
from nodulus.transforms.gate.series_rules import NOT_TOO_THICK, THIN, UPRIGHT
from nodulus.transforms.geometry import Affine
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode

from .stored_image import StoredImage

Finding = tuple[GateRule, str]

# Those of a DICOM series.
_SHOWN_AT = (0.1, 0.3, 0.5, 0.7, 0.9)
_VOXELS_A_SIDE = 128


def judge(image: StoredImage, allow: frozenset[ProblemCode]) -> tuple[Problem, ...]:
    """Return the warnings of an image; what breaks a rule that is not allowed is refused."""
    warnings = []
    for rule, got in _findings(image):
        problem = Problem(rule.code, f"{got} in {image.voxels.path.name}")
        if rule.action == "refuse" and not (rule.may_be_allowed and rule.code in allow):
            raise InputRefusedError(problem)
        warnings.append(problem)
    return tuple(warnings)


def _findings(image: StoredImage) -> Iterator[Finding]:
    """Yield each broken rule with one line of expected and got; the header first, then voxels."""
    yield from _position_findings(image.affine_lps)
    yield from _spacing_findings(image)
    yield from _angle_findings(image.affine_lps)
    yield from _size_findings(image.voxels.size_xyz)
    problem = hounsfield_problem(sampled_voxels(image))
    if problem is not None:
        yield problem


def _position_findings(affine_lps: Affine) -> Iterator[Finding]:
    origin_mm = affine_lps[:3, 3]
    if np.abs(origin_mm).max() > 1000 * POSITION.tolerance:
        listed = ", ".join(f"{value:g}" for value in origin_mm)
        yield POSITION, f"Expected a first voxel within {POSITION.limit} of the origin, got ({listed}) mm"


def _spacing_findings(image: StoredImage) -> Iterator[Finding]:
    spacing_mm = np.linalg.norm(image.affine_lps[:3, :3], axis=0)
    listed = " x ".join(f"{value:.4g}" for value in spacing_mm)
    if spacing_mm.min() < SPACING.tolerance:
        yield SPACING, f"Expected a spacing of at least {SPACING.tolerance} mm, got {listed} mm"
    for rule in (NOT_TOO_THICK, THIN):
        if spacing_mm.max() > rule.tolerance + 1e-4:
            yield rule, f"Expected a spacing of at most {rule.tolerance:g} mm, got {listed} mm"
            return


def _angle_findings(affine_lps: Affine) -> Iterator[Finding]:
    axes = affine_lps[:3, :3] / np.linalg.norm(affine_lps[:3, :3], axis=0)
    cosines = (axes.T @ axes)[np.triu_indices(3, 1)]
    off_degrees = float(np.degrees(np.arcsin(np.abs(cosines).clip(0, 1))).max())
    if off_degrees > UPRIGHT.tolerance:
        expected = f"Expected axes at right angles within {UPRIGHT.tolerance} degrees"
        yield UPRIGHT, f"{expected}, got {off_degrees:.2f} degrees off"


def _size_findings(size_xyz: tuple[int, int, int]) -> Iterator[Finding]:
    # Any array axis may be the one along which slices were stacked.
    if min(size_xyz) < ENOUGH_VOXELS.tolerance:
        listed = " x ".join(str(n) for n in size_xyz)
        yield ENOUGH_VOXELS, f"Expected at least {ENOUGH_VOXELS.tolerance:g} voxels along each axis, got {listed}"


def sampled_voxels(image: StoredImage) -> NDArray[np.float32]:
    """Return voxels (HU) of a few slices over the scan, in steps that leave about 128 a side, in one row."""
    size_x, size_y, n_slices = image.voxels.size_xyz
    chosen = sorted({int(part * (n_slices - 1)) for part in _SHOWN_AT})
    step = max(max(size_x, size_y) // _VOXELS_A_SIDE, 1)
    return np.concatenate([image.voxels.read_slab(k, k + 1)[::step, ::step].ravel() for k in chosen])
