"""The series gate for image files: shape and voxel values that no chest CT has are refused, or warned of, by name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .gate_rules import NOT_TOO_THICK, THIN, UPRIGHT, GateRule
from .geometry import Affine
from .image_rules import ENOUGH_AIR, ENOUGH_TISSUE, ENOUGH_VOXELS, LITTLE_BELOW_AIR, SPACING
from .problems import InputRefusedError, Problem, ProblemCode
from .stored_image import StoredImage

Finding = tuple[GateRule, str]

_SHOWN_AT = (0.25, 0.5, 0.75)


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
    yield from _spacing_findings(image)
    yield from _angle_findings(image.affine_lps)
    yield from _size_findings(image.voxels.size_xyz)
    yield from _value_findings(sampled_slices(image))


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


def sampled_slices(image: StoredImage) -> NDArray[np.float32]:
    """Return the voxels (HU) of the slices at a quarter, half and three quarters of the scan, in one row."""
    n_slices = image.voxels.size_xyz[2]
    chosen = sorted({int(part * (n_slices - 1)) for part in _SHOWN_AT})
    return np.concatenate([image.voxels.read_slab(k, k + 1).ravel() for k in chosen])


def _value_findings(intensity_hu: NDArray[np.float32]) -> Iterator[Finding]:
    seen = f"got {intensity_hu.min():g} to {intensity_hu.max():g} in three slices"
    if np.mean(intensity_hu < -500) < ENOUGH_AIR.tolerance:
        yield ENOUGH_AIR, f"Expected Hounsfield units with air below -500, {seen}"
    elif np.mean((intensity_hu > -200) & (intensity_hu < 300)) < ENOUGH_TISSUE.tolerance:
        yield ENOUGH_TISSUE, f"Expected Hounsfield units with soft tissue between -200 and 300, {seen}"
    elif np.mean((intensity_hu < -1500) & (intensity_hu > intensity_hu.min())) > LITTLE_BELOW_AIR.tolerance:
        yield LITTLE_BELOW_AIR, f"Expected Hounsfield units with little below -1500, {seen}"
