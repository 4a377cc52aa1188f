"""A case as its page shows it: each nodule with its pictures, its place in the chest and what its call says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.placement import nodule_box
from nodulus.pipeline.pages.environment import fixed
from nodulus.pipeline.pages.policy import data_uri
from nodulus.pipeline.pictures.overview import Overview, overview_of
from nodulus.pipeline.pictures.slices import SliceStrip, draw_strips, overview_webp
from nodulus.pipeline.results.record import NoduleResult
from nodulus.pipeline.statistics.operating_points import HIGH_SENSITIVITY, HIGH_SPECIFICITY, OperatingPoint
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.volume import CTVolume

AXES = "xyz"
_SCALE_BARS_MM = (10, 20)


@dataclass(frozen=True)
class ShownPlane:
    """A strip of slices, all lengths in mm from the nodule's centre, as the page draws it.

    Args:
        strip: the slices.
        box: left, top, width and height of the nodule's box.
        depth: from where to where the box reaches across the slices.
        center_mm: the nodule's centre along the axis that the slices follow, LPS.
        heat: a strip of the same shape to lay over the slices, as WebP with transparency; None where there is none.
    """

    strip: SliceStrip
    box: tuple[float, float, float, float]
    depth: tuple[float, float]
    center_mm: float
    heat: bytes | None = None

    @property
    def name(self) -> str:
        """What the plane is called."""
        return self.strip.plane.name

    @property
    def axis(self) -> str:
        """The LPS axis that the slices follow."""
        return AXES[self.strip.plane.normal]

    @property
    def source(self) -> str:
        """The slices, as an address."""
        return data_uri(self.strip.webp, "image/webp")

    @property
    def heat_source(self) -> str:
        """What is laid over them, as an address, empty where there is nothing."""
        return "" if self.heat is None else data_uri(self.heat, "image/webp")

    @property
    def bar_mm(self) -> int:
        """The length of the scale bar."""
        return max(bar for bar in _SCALE_BARS_MM if bar <= self.strip.field_mm / 4)

    @property
    def places(self) -> tuple[str, ...]:
        """Where each slice lies, in words: a rising position along the axis."""
        return tuple(f"{self.axis} {fixed(self.center_mm + offset, 1)} mm" for offset in self.strip.offsets_mm)


@dataclass(frozen=True)
class Band:
    """From where to where a score moves under small changes."""

    low: float
    high: float


@dataclass(frozen=True)
class ShownNodule:
    """One nodule.

    Args:
        number: what the page calls it, from 1 on.
        record: what was found.
        call: what it means that the score lies where it does among the thresholds; empty without a score.
        planes: none where nothing of it can be shown.
        why_not: why there are none.
        spot: its place in the overview, parts from the left and from the top; None where it lies outside.
    """

    number: int
    record: NoduleResult
    call: str
    planes: tuple[ShownPlane, ...] = ()
    why_not: str = ""
    spot: tuple[float, float] | None = None

    @property
    def band(self) -> Band | None:
        """From where to where the score moves under small changes; None where that is not known."""
        steady = self.record.stability
        return None if steady is None or steady.low is None or steady.high is None else Band(steady.low, steady.high)


@dataclass(frozen=True)
class ShownChest:
    """The whole scan from the front: its picture as an address, and its size in mm."""

    source: str
    width_mm: float
    height_mm: float


def show_nodules(
    nodules: Sequence[NoduleResult], points: Sequence[OperatingPoint], volume: CTVolume | None
) -> tuple[list[ShownNodule], ShownChest | None]:
    """Return the nodules of a case as its page shows them, and the whole scan where it can be shown."""
    if volume is None:
        bare = [ShownNodule(n, one, call_in_words(one, points)) for n, one in enumerate(nodules, 1)]
        return bare, None
    overview = _overview(volume)
    shown = [_show(n, one, call_in_words(one, points), volume, overview) for n, one in enumerate(nodules, 1)]
    if overview is None:
        return shown, None
    return shown, ShownChest(data_uri(overview_webp(overview), "image/webp"), *overview.size_mm)


def call_in_words(nodule: NoduleResult, points: Sequence[OperatingPoint]) -> str:
    """Return what it means that a score lies where it does among the thresholds; empty where nothing can be said."""
    by_name = {point.name: point for point in points}
    if nodule.probabilities is None or not {HIGH_SENSITIVITY, HIGH_SPECIFICITY} <= nodule.above.keys() & by_name.keys():
        return ""
    reached = {name for name, is_reached in nodule.above.items() if is_reached}
    low, high = by_name[HIGH_SENSITIVITY], by_name[HIGH_SPECIFICITY]
    if not reached:
        benign, malignant = _percent(low.specificity.value), _percent(1 - low.sensitivity.value)
        return (
            f"Below both thresholds: of validation nodules, {benign} of those that radiologists judged benign scored"
            f" below {fixed(low.threshold)}, and {malignant} of the malignant."
        )
    if len(reached) == 1:
        return "Between the thresholds: neither clearly low nor clearly high among validation nodules."
    benign, malignant = _percent(1 - high.specificity.value), _percent(high.sensitivity.value)
    return (
        f"Above both thresholds: of validation nodules, {malignant} of those that radiologists judged malignant reached"
        f" {fixed(high.threshold)}, and {benign} of the benign."
    )


def _percent(share: float) -> str:
    return f"{fixed(100 * share, 0)}\N{NO-BREAK SPACE}%"


def _overview(volume: CTVolume) -> Overview | None:
    """Return the overview of a scan, None where its slices cannot be read."""
    try:
        return overview_of(volume)
    except (InputRefusedError, OSError):
        return None


def _show(number: int, record: NoduleResult, call: str, volume: CTVolume, overview: Overview | None) -> ShownNodule:
    nodule = Nodule(record.nodule_id, record.center_lps_mm, record.diameter_mm, record.box_lps_mm)
    if not volume.grid.contains_lps(nodule.center_lps_mm):
        return ShownNodule(number, record, call, why_not="its centre lies outside the scan")
    spot = None if overview is None else overview.place_of(volume.grid.voxel_from_lps(nodule.center_lps_mm))
    try:
        strips = draw_strips(volume, nodule)
    except InputRefusedError as refusal:
        return ShownNodule(number, record, call, why_not=str(refusal), spot=spot)
    except OSError as error:  # the scan has vanished since: its numbers are still worth a page
        return ShownNodule(number, record, call, why_not=error.strerror or type(error).__name__, spot=spot)
    planes = tuple(_plane(strip, nodule) for strip in strips)
    return ShownNodule(number, record, call, planes, spot=spot)


def _plane(strip: SliceStrip, nodule: Nodule) -> ShownPlane:
    box, plane = nodule_box(nodule), strip.plane
    low, high = (
        [corner - center for corner, center in zip(corners, nodule.center_lps_mm, strict=True)]
        for corners in (box.low_lps_mm, box.high_lps_mm)
    )
    left, right = low[plane.across], high[plane.across]
    top, bottom = sorted((plane.down_sign * low[plane.down], plane.down_sign * high[plane.down]))
    return ShownPlane(
        strip=strip,
        box=(left, top, right - left, bottom - top),
        depth=(low[plane.normal], high[plane.normal]),
        center_mm=nodule.center_lps_mm[plane.normal],
    )
