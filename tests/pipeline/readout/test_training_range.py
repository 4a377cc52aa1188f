import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import mahalanobis

from nodulus.pipeline.readout.distance_limits import DistanceLimits
from nodulus.pipeline.readout.training_range import (
    NoduleFacts,
    TrainingRange,
    fit_training_range,
    nodule_facts,
    reasons_outside,
)
from nodulus.transforms.patches.scan_grain import ScanGrain, scan_grain

SIZE = 33
LUNG, TISSUE, AIR = -850.0, 30.0, -1000.0
WHOLE = np.asarray([[4, 29], [4, 29], [8, 25]])

Patch = NDArray[np.float64]


def lung(seed: int = 0) -> Patch:
    return LUNG + 30 * np.random.default_rng(seed).standard_normal((SIZE,) * 3)


def radius_mm() -> Patch:
    axes = np.ogrid[(slice(-16, 17),) * 3]
    return np.asarray(np.sqrt(sum(axis**2 for axis in axes)))


def ball(diameter_mm: float, value_hu: float = TISSUE, seed: int = 0) -> Patch:
    """A nodule of a diameter in the middle of lung."""
    return np.where(radius_mm() <= diameter_mm / 2, value_hu, lung(seed))


def shown_only(patch: Patch, shown: NDArray[np.int64] = WHOLE) -> Patch:
    """The patch as `NodulePatchd` leaves it: air outside of the shown voxels."""
    box = tuple(slice(*part) for part in shown)
    filled = np.full_like(patch, AIR)
    filled[box] = patch[box]
    return filled


def facts_of(patch: Patch, diameter_mm: float = 10.0, inside_fraction: float = 1.0) -> NoduleFacts:
    return nodule_facts(
        shown_only(patch),
        WHOLE,
        spacing_mm=1.0,
        diameter_mm=diameter_mm,
        slice_spacing_mm=1.25,
        inside_fraction=inside_fraction,
    )


@pytest.fixture(scope="module")
def samples() -> list[NoduleFacts]:
    """Nodules of 4 to 20 mm in lung, from ground glass to solid, some at the chest wall."""
    random = np.random.default_rng(1)
    facts = []
    for number in range(200):
        patch = ball(4 + 16 * number / 199, random.uniform(-600, 100), seed=number)
        patch[: random.integers(0, 12)] = TISSUE
        facts.append(facts_of(patch, 4 + 16 * number / 199))
    return facts


@pytest.fixture(scope="module")
def outputs() -> NDArray[np.float64]:
    """Three outputs of 200 nodules; the second is nearly the first one's opposite, as of two classes."""
    random = np.random.default_rng(2)
    first, third = random.normal(1, 2, 200), random.normal(-1, 0.5, 200)
    return np.stack([first, -first + random.normal(0, 0.05, 200), third], axis=1)


@pytest.fixture(scope="module")
def limits(samples: list[NoduleFacts], outputs: NDArray[np.float64]) -> TrainingRange:
    return fit_training_range(samples, outputs)


def names(facts: NoduleFacts, limits: TrainingRange, outputs: object = None) -> list[str]:
    return [reason.name for reason in reasons_outside(facts, outputs, limits)]  # type: ignore[arg-type]


def test_a_nodule_in_lung_is_like_those_trained_on(limits: TrainingRange) -> None:
    assert names(facts_of(ball(10.0, seed=99)), limits) == []


def test_a_nodule_at_the_chest_wall_is_like_those_trained_on(limits: TrainingRange) -> None:
    patch = ball(10.0, seed=99)
    patch[:10] = TISSUE

    assert names(facts_of(patch), limits) == []


def test_plain_lung_holds_no_nodule(limits: TrainingRange) -> None:
    (reason,) = reasons_outside(facts_of(lung(99)), None, limits)

    assert reason.name == "no_nodule_density"
    assert "as of air or plain lung" in reason.message


def test_tissue_all_round_holds_no_nodule_either(limits: TrainingRange) -> None:
    (reason,) = reasons_outside(facts_of(lung(99) - LUNG + TISSUE), None, limits)

    assert reason.name == "no_nodule_density"
    assert "dense tissue all round" in reason.message


def test_room_air_is_outside_of_the_body(limits: TrainingRange) -> None:
    assert names(facts_of(np.full((SIZE,) * 3, AIR)), limits) == ["outside_body"]
    assert names(facts_of(np.full((SIZE,) * 3, -2000.0)), limits) == ["outside_body"]  # padding around a round scan


def test_a_nodule_beyond_the_edge_of_the_scan_is_outside(limits: TrainingRange) -> None:
    assert names(facts_of(ball(10.0), inside_fraction=0.2), limits) == ["outside_body"]
    assert names(facts_of(np.full((SIZE,) * 3, AIR), inside_fraction=0.0), limits) == ["outside_body"]


@pytest.mark.parametrize("diameter_mm", [2.9, 20.1])
def test_a_diameter_beyond_training_is_told_with_both_ends(limits: TrainingRange, diameter_mm: float) -> None:
    facts = replace(facts_of(ball(10.0)), diameter_mm=diameter_mm)

    (reason,) = reasons_outside(facts, None, limits)

    assert reason.message == f"Expected a diameter from 4.0 to 20.0 mm, as in training, got {diameter_mm:.1f} mm"


def test_no_training_nodule_admits_a_diameter_below_three_mm(samples: list[NoduleFacts]) -> None:
    limits = fit_training_range([replace(facts, diameter_mm=2.0) for facts in samples] + samples, None)

    assert limits.diameter_mm == (3.0, 20.0)
    assert names(replace(samples[0], diameter_mm=2.5), limits) == ["diameter"]


def test_thicker_slices_than_in_training_are_told_and_rounding_is_not(limits: TrainingRange) -> None:
    facts = facts_of(ball(10.0))

    assert names(replace(facts, slice_spacing_mm=5.0), limits) == ["slice_spacing"]
    assert names(replace(facts, slice_spacing_mm=1.2500001), limits) == []


def test_every_reason_is_given(limits: TrainingRange) -> None:
    facts = replace(facts_of(lung(99)), diameter_mm=40.0, slice_spacing_mm=5.0)

    assert names(facts, limits, [50.0, 50.0, 50.0]) == [
        "diameter",
        "slice_spacing",
        "no_nodule_density",
        "unlike_training",
    ]


def test_outputs_that_break_what_holds_among_outputs_are_unlike_training(limits: TrainingRange) -> None:
    facts = facts_of(ball(10.0))

    assert names(facts, limits, [1.0, -1.0, -1.0]) == []
    # Each of these occurs in training, but never the two together.
    assert names(facts, limits, [3.0, 3.0, -1.0]) == ["unlike_training"]


def test_few_training_nodules_are_flagged_themselves(
    samples: list[NoduleFacts], outputs: NDArray[np.float64], limits: TrainingRange
) -> None:
    flagged = [bool(reasons_outside(facts, row, limits)) for facts, row in zip(samples, outputs, strict=True)]

    # At most 0.5 % by each of four sides and 1 % by the outputs, of 200 and rounded up.
    assert sum(flagged) <= 4 * 1 + 2


def test_a_wider_quantile_flags_no_more(samples: list[NoduleFacts], outputs: NDArray[np.float64]) -> None:
    counts = [
        sum(bool(reasons_outside(facts, row, limits)) for facts, row in zip(samples, outputs, strict=True))
        for limits in (fit_training_range(samples, outputs, quantile) for quantile in (0.8, 0.9, 0.99, 1.0))
    ]

    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0


def test_range_survives_json(limits: TrainingRange, samples: list[NoduleFacts]) -> None:
    again = TrainingRange.model_validate(json.loads(limits.model_dump_json()))

    assert again == limits
    assert again.n_samples == len(samples)


def test_outputs_of_another_network_are_refused(limits: TrainingRange) -> None:
    with pytest.raises(ValueError, match=r"Expected 3 numbers, as in training, got the shape \(2,\)"):
        reasons_outside(facts_of(ball(10.0)), [1.0, 2.0], limits)


def test_a_fit_needs_a_row_of_outputs_for_each_nodule(samples: list[NoduleFacts]) -> None:
    with pytest.raises(ValueError, match="one row of outputs each, got 200 and 3"):
        fit_training_range(samples, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="Expected two nodules or more"):
        fit_training_range(samples[:1], None)


@settings(deadline=None)
@given(flips=st.sets(st.integers(0, 2)), order=st.permutations((0, 1, 2)), diameter_mm=st.floats(3, 24))
def test_facts_do_not_depend_on_how_the_patch_is_turned(flips: set[int], order: list[int], diameter_mm: float) -> None:
    shown = np.asarray([[3, 28], [5, 30], [9, 22]])
    patch = ball(diameter_mm)
    patch[:9] = TISSUE
    turned = np.flip(patch, tuple(flips)).transpose(order)
    turned_shown = np.stack([SIZE - part[::-1] if axis in flips else part for axis, part in enumerate(shown)])[order]

    def measured(hu: Patch, box: NDArray[np.int64]) -> list[float]:
        numbers = nodule_facts(
            hu, box, spacing_mm=1.0, diameter_mm=diameter_mm, slice_spacing_mm=1.0, inside_fraction=1.0
        )
        # The box is cut tighter in z, so that a shape has an axis of its own: tests/transforms/patches.
        return [number for name, number in asdict(numbers).items() if name not in ("shape", "grain")]

    assert measured(turned, turned_shown) == pytest.approx(measured(patch, shown))


@settings(deadline=None)
@given(hidden_hu=st.floats(-1024, 3071))
def test_what_is_not_shown_counts_for_nothing(hidden_hu: float) -> None:
    patch = shown_only(ball(10.0))
    hidden = np.full_like(patch, hidden_hu)
    box = tuple(slice(*part) for part in WHOLE)
    hidden[box] = patch[box]

    def measured(hu: Patch) -> NoduleFacts:
        return nodule_facts(hu, WHOLE, spacing_mm=1.0, diameter_mm=10.0, slice_spacing_mm=1.0, inside_fraction=1.0)

    assert measured(hidden) == measured(patch)


def test_the_fill_beyond_the_scan_is_no_air_of_the_body() -> None:
    half = ball(10.0)
    half[:, :, 20:] = AIR
    inside = 12 / 17  # of the shown slices 8 to 24

    facts = facts_of(half, inside_fraction=inside)
    whole = nodule_facts(
        half, [[4, 29], [4, 29], [8, 20]], spacing_mm=1.0, diameter_mm=10.0, slice_spacing_mm=1.25, inside_fraction=1.0
    )

    assert facts.thin_air_fraction == pytest.approx(whole.thin_air_fraction, abs=1e-9)
    assert facts.aerated_fraction == pytest.approx(whole.aerated_fraction)


def test_a_centre_that_is_not_shown_leaves_the_rest_to_measure() -> None:
    facts = nodule_facts(
        ball(10.0),
        [[0, 4], [0, 4], [0, 4]],
        spacing_mm=1.0,
        diameter_mm=3.0,
        slice_spacing_mm=1.0,
        inside_fraction=1.0,
    )

    assert facts.core_hu == pytest.approx(LUNG, abs=20)


def test_distance_is_that_of_mahalanobis() -> None:
    random = np.random.default_rng(0)
    square = random.normal(size=(4, 4))
    mean, precision, row = random.normal(size=4), square @ square.T, random.normal(size=4)
    limits = DistanceLimits(mean=tuple(mean), precision=tuple(map(tuple, precision)), distance_max=1.0)
    assert limits.distance(row) == pytest.approx(mahalanobis(row, mean, precision))


@pytest.mark.parametrize("precision", [((1.0,) * 3,) * 2, ((1.0,) * 2,) * 3, ()])
def test_a_precision_of_another_shape_than_the_mean_is_refused(precision: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(ValueError, match="expected a precision of 3 rows of 3 for a mean of 3 numbers, got"):
        DistanceLimits(mean=(0.0,) * 3, precision=precision, distance_max=1.0)


def grain(kernel_px: float, deviation_hu: float, seed: int) -> ScanGrain:
    """The grain of lung whose noise was smoothed within its slices."""
    white = np.random.default_rng(seed).standard_normal((60, 60, 4))
    smooth = gaussian_filter(white, (kernel_px, kernel_px, 0), mode="wrap")
    return scan_grain(LUNG + deviation_hu * smooth / smooth.std())


@pytest.fixture(scope="module")
def of_kernels(samples: list[NoduleFacts]) -> TrainingRange:
    """The range of scans from sharp to fairly soft, the sharp ones noisier, as kernels have it."""
    drawn = np.random.default_rng(3).uniform(0, 1, len(samples))
    grains = [grain(0.4 + 0.4 * part, 60 - 40 * part, k) for k, part in enumerate(drawn)]
    return fit_training_range([replace(facts, grain=each) for facts, each in zip(samples, grains, strict=True)], None)


@pytest.mark.parametrize(("kernel_px", "deviation_hu"), [(0.5, 50.0), (0.6, 40.0), (0.75, 25.0)])
def test_a_scan_of_a_kernel_and_noise_that_trained_is_like_those_trained_on(
    of_kernels: TrainingRange, kernel_px: float, deviation_hu: float
) -> None:
    facts = replace(facts_of(ball(10.0)), grain=grain(kernel_px, deviation_hu, 999))
    assert names(facts, of_kernels) == []


@pytest.mark.parametrize(
    ("kernel_px", "deviation_hu", "kind"),
    [
        (2.0, 20.0, "softer and less noisy"),
        (0.5, 400.0, "sharper and noisier"),
        (0.5, 4.0, "sharper and less noisy"),
        (0.8, 60.0, "softer and noisier"),
    ],
    ids=["soft", "noisy", "without noise", "as noisy as sharp scans and as soft as quiet ones"],
)
def test_a_scan_of_another_kernel_or_noise_is_not(
    of_kernels: TrainingRange, kernel_px: float, deviation_hu: float, kind: str
) -> None:
    facts = replace(facts_of(ball(10.0)), grain=grain(kernel_px, deviation_hu, 999))
    (reason,) = reasons_outside(facts, None, of_kernels)
    assert reason.name == "image_grain"
    assert reason.message.startswith("Expected noise and sharpness at most")
    assert f"got {of_kernels.grain.distance(_numbers(facts)):.2f}, {kind}: " in reason.message  # type: ignore[union-attr]


def _numbers(facts: NoduleFacts) -> list[float]:
    return [np.log(facts.grain.quiet_hu), facts.grain.near_correlation, facts.grain.far_correlation]


def test_a_grain_that_cannot_be_told_is_no_reason(of_kernels: TrainingRange, limits: TrainingRange) -> None:
    assert limits.grain is None  # no scan of these told any
    soft = replace(facts_of(ball(10.0)), grain=grain(2.0, 20.0, 999))
    assert names(soft, limits) == []
    assert names(facts_of(ball(10.0)), of_kernels) == []


def test_a_range_from_before_grain_was_measured_is_read(of_kernels: TrainingRange) -> None:
    older = {name: value for name, value in of_kernels.model_dump().items() if name != "grain"}
    assert TrainingRange.model_validate(older).grain is None
    assert TrainingRange.model_validate_json(of_kernels.model_dump_json()) == of_kernels


def test_limits_of_another_count_of_grain_numbers_are_refused(of_kernels: TrainingRange) -> None:
    damaged = of_kernels.model_dump()
    damaged["grain"] = {"mean": [0.0] * 2, "precision": [[1.0, 0.0], [0.0, 1.0]], "distance_max": 1.0}
    with pytest.raises(ValueError, match="expected a grain of 3 numbers, got one of 2"):
        TrainingRange.model_validate(damaged)
