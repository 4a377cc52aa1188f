"""One picture per nodule: three planes through its centre, so that a wrong frame is seen before a score is believed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray

from nodulus.pipeline.files import replacing_file
from nodulus.pipeline.nodules.nodule import Nodule, box_of
from nodulus.pipeline.nodules.placement import nodule_box
from nodulus.transforms.geometry import BoxCorners, Triple
from nodulus.transforms.patches.patch import sample_voxels
from nodulus.transforms.problems import printable
from nodulus.transforms.volume import CTVolume

from .overview import Overview

FIELD_MM = 96.0
SPACING_MM = 0.5
# The usual lung window: level -600, width 1500.
WINDOW_HU = (-1350.0, 150.0)
SCALE_BAR_MM = 20.0

_BACKGROUND, _TEXT, _MUTED = "#111418", "#f2f4f7", "#9aa4b2"
CROSSHAIR_COLOUR, BOX_COLOUR = "#ffd166", "#4cc9f0"
_ALARM = "#ff6b6b"
NOT_SCANNED_COLOUR = "#2b1f3d"  # a colour that no grey value has
_OUTLINE: list[AbstractPathEffect] = [withStroke(linewidth=2.4, foreground="#000000")]
_THIN_OUTLINE: list[AbstractPathEffect] = [withStroke(linewidth=2.4, foreground="#00000080")]
_BAR_OUTLINE: list[AbstractPathEffect] = [withStroke(linewidth=4.4, foreground="#000000")]


@dataclass(frozen=True)
class Plane:
    """One of the three views, as radiologists hang it.

    Args:
        name: its title.
        across: LPS axis that runs to the right of the picture, along its positive direction.
        down: LPS axis that runs down, and its sign.
        labels: what is at the left, right, top and bottom edge.
    """

    name: str
    across: int
    down: int
    down_sign: int
    labels: tuple[str, str, str, str]

    @property
    def normal(self) -> int:
        """The LPS axis that it does not show, along which slices follow one another."""
        return 3 - self.across - self.down


# The patient's right is on the left of the picture; sagittal: the front is on the left, as most viewers show it.
PLANES = (
    Plane("Axial", 0, 1, 1, ("R", "L", "A", "P")),
    Plane("Coronal", 0, 2, -1, ("R", "L", "S", "I")),
    Plane("Sagittal", 1, 2, -1, ("A", "P", "S", "I")),
)


@dataclass(frozen=True)
class Caption:
    """What a picture says beside the nodule's place.

    Args:
        scan: the scan's name.
        score: the score in words, where there is one.
        alarms: why to distrust the place or the score, a line each.
    """

    scan: str = ""
    score: str = ""
    alarms: tuple[str, ...] = ()


def draw_nodule_views(
    volume: CTVolume, nodule: Nodule, path: Path, caption: Caption | None = None, overview: Overview | None = None
) -> Path:
    """Draw axial, coronal and sagittal views through a nodule's centre as a PNG and return its path.

    The picture names the nodule, its centre and its diameter, what the caption says, and nothing of the patient. Only
    the slices in view are read. The box drawn is the nodule's own or the one that its diameter implies; the network is
    shown it with a margin.

    Args:
        volume: the scan.
        nodule: whose place is drawn.
        path: of the picture.
        caption: what it says beside.
        overview: of the scan, to mark the spot in; without one its place stays empty.
    """
    canvas = _canvas(volume, nodule, caption or Caption(), overview)
    with replacing_file(path) as temporary, _any_script():
        canvas.print_figure(temporary, format="png")
    return path


def nodule_views(volume: CTVolume, nodule: Nodule, caption: Caption, overview: Overview) -> NDArray[np.uint8]:
    """Return the same picture as pixels (rows, columns, RGB): they are the PNG's."""
    canvas = _canvas(volume, nodule, caption, overview)
    with _any_script():
        canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib annotates neither
        rgba: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba(), dtype=np.uint8)  # type: ignore[no-untyped-call]
    rgb: NDArray[np.uint8] = rgba[..., :3].copy()
    return rgb


def _canvas(volume: CTVolume, nodule: Nodule, caption: Caption, overview: Overview | None) -> FigureCanvasAgg:
    figure = Figure(figsize=(15.2, 5.2), dpi=110, facecolor=_BACKGROUND)
    canvas = FigureCanvasAgg(figure)
    layout = {"wspace": 0.03, "left": 0.01, "right": 0.99, "top": 0.815, "bottom": 0.02}
    *panels, small = figure.subplots(1, 4, gridspec_kw=layout, width_ratios=(1, 1, 1, 0.62))
    for panel in (*panels, small):
        panel.set_anchor("N")
    _draw_overview(small, volume, nodule, overview)
    for panel, plane in zip(panels, PLANES, strict=True):
        _draw_picture(panel, sampled_hu(volume, nodule.center_lps_mm, plane))
        _draw_nodule(panel, plane, _box_about_center(nodule))
        _draw_labels(panel, plane)
        _draw_scale_bar(panel)
    _draw_title(figure, volume, nodule, caption)
    return canvas


@contextmanager
def _any_script() -> Iterator[None]:
    """Say nothing of glyphs that a font lacks: an id may be in any script."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        yield


def sampled_hu(volume: CTVolume, center_lps_mm: Triple, plane: Plane) -> NDArray[np.float32]:
    """Return the picture of a plane (down, across) in Hounsfield units, NaN where nothing was scanned."""
    offsets_mm = np.arange(-FIELD_MM / 2, FIELD_MM / 2 + SPACING_MM / 2, SPACING_MM)
    points_lps_mm = np.tile(np.asarray(center_lps_mm, dtype=np.float64), (len(offsets_mm), len(offsets_mm), 1))
    points_lps_mm[..., plane.across] += offsets_mm[None, :]
    points_lps_mm[..., plane.down] += plane.down_sign * offsets_mm[:, None]
    voxels = volume.grid.voxel_from_lps(points_lps_mm)
    inside = volume.grid.contains_voxel(voxels)
    picture_hu = np.full(inside.shape, np.nan, dtype=np.float32)
    if inside.any():
        picture_hu[inside] = sample_voxels(volume, voxels[inside])
    return picture_hu


def _draw_picture(panel: Axes, picture_hu: NDArray[np.float32]) -> None:
    edge = FIELD_MM / 2 + SPACING_MM / 2
    low, high = WINDOW_HU
    panel.set_facecolor(NOT_SCANNED_COLOUR)
    panel.imshow(
        picture_hu, cmap="gray", vmin=low, vmax=high, extent=(-edge, edge, edge, -edge), interpolation="bilinear"
    )
    if np.isnan(picture_hu).any():
        panel.set_title("violet: not scanned", color=_MUTED, fontsize=9, loc="right", pad=4)
    panel.set(xlim=(-edge, edge), ylim=(edge, -edge), xticks=[], yticks=[])
    for spine in panel.spines.values():
        spine.set_visible(False)


def _draw_nodule(panel: Axes, plane: Plane, box: BoxCorners) -> None:
    """Draw the box, and a crosshair whose arms point at the centre and leave the nodule itself free."""
    left, right = box[plane.across], box[3 + plane.across]
    top, bottom = sorted((plane.down_sign * box[plane.down], plane.down_sign * box[3 + plane.down]))
    frame = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=BOX_COLOUR, linewidth=1.4)
    frame.set_path_effects(_THIN_OUTLINE)
    panel.add_patch(frame)
    half, gap = FIELD_MM / 2, 3.0
    arms = [((-half, left - gap), (0, 0)), ((right + gap, half), (0, 0)), ((0, 0), (-half, top - gap))]
    for across, down in (*arms, ((0, 0), (bottom + gap, half)), ((-1, 1), (0, 0)), ((0, 0), (-1, 1))):
        panel.plot(across, down, color=CROSSHAIR_COLOUR, linewidth=1.0, path_effects=_THIN_OUTLINE)


def _draw_labels(panel: Axes, plane: Plane) -> None:
    """Name the plane and its four sides."""
    panel.set_title(plane.name, color=_MUTED, fontsize=10.5, loc="left", pad=4)
    places = ((0.02, 0.5, "left", "center"), (0.98, 0.5, "right", "center"), (0.5, 0.985, "center", "top"))
    for label, (x, y, across, along) in zip(plane.labels, (*places, (0.5, 0.015, "center", "bottom")), strict=True):
        panel.text(
            x,
            y,
            label,
            transform=panel.transAxes,
            horizontalalignment=across,
            verticalalignment=along,
            color=_TEXT,
            fontsize=12,
            fontweight="bold",
            path_effects=_OUTLINE,
        )


def _draw_scale_bar(panel: Axes) -> None:
    right, height = FIELD_MM / 2 - 4, FIELD_MM / 2 - 4
    panel.plot([right - SCALE_BAR_MM, right], [height, height], color=_TEXT, linewidth=2.2, path_effects=_BAR_OUTLINE)
    panel.text(
        right - SCALE_BAR_MM / 2,
        height - 1.5,
        f"{SCALE_BAR_MM:g} mm",
        color=_TEXT,
        fontsize=8.5,
        horizontalalignment="center",
        verticalalignment="bottom",
        path_effects=_OUTLINE,
    )


def _draw_overview(panel: Axes, volume: CTVolume, nodule: Nodule, overview: Overview | None) -> None:
    """Draw the whole scan from the front, and a ring about the nodule's spot."""
    panel.set_axis_off()
    if overview is None:
        return
    width_mm, height_mm = overview.size_mm
    panel.imshow(overview.brightness, cmap="gray", extent=(0, width_mm, height_mm, 0), interpolation="bilinear")
    panel.set_title("Whole scan", color=_MUTED, fontsize=10.5, loc="left", pad=4)
    panel.set(xlim=(0, width_mm), ylim=(height_mm, 0))
    if volume.grid.contains_lps(nodule.center_lps_mm):
        across, down = overview.place_of(volume.grid.voxel_from_lps(nodule.center_lps_mm))
        panel.plot(
            [across * width_mm],
            [down * height_mm],
            marker="o",
            markersize=15,
            markeredgewidth=1.8,
            fillstyle="none",
            color=CROSSHAIR_COLOUR,
            path_effects=_THIN_OUTLINE,
        )
    places = ((0.03, 0.5, "R"), (0.97, 0.5, "L"))
    for x, y, label in places:
        align = "left" if label == "R" else "right"
        panel.text(x, y, label, transform=panel.transAxes, ha=align, va="center", color=_TEXT, fontsize=11)


def _draw_title(figure: Figure, volume: CTVolume, nodule: Nodule, caption: Caption) -> None:
    """Write the nodule and its place above, the scan and the score below it, and what is wrong in red."""
    center = ", ".join(f"{value:.1f}" for value in nodule.center_lps_mm)
    facts = f"centre ({center}) mm LPS     diameter {nodule.diameter_mm:.1f} mm"
    outside = () if volume.grid.contains_lps(nodule.center_lps_mm) else ("centre outside the scan",)
    alarms = tuple(dict.fromkeys((*outside, *caption.alarms)))
    _write(figure, 0.01, 0.95, _cut(nodule.nodule_id, 40), _TEXT, 14, is_bold=True)
    _write(figure, 0.5, 0.95, caption.score, _TEXT, 14, align="center")
    _write(figure, 0.99, 0.95, facts, _TEXT, 11, align="right")
    _write(figure, 0.01, 0.892, _cut(caption.scan, 90), _MUTED, 11)
    _write(figure, 0.99, 0.892, _cut("; ".join(alarms), 90), _ALARM, 11, align="right")


def _write(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    color: str,
    size: float,
    *,
    align: str = "left",
    is_bold: bool = False,
) -> None:
    weight = "bold" if is_bold else "normal"
    shown = printable(text)  # what users name is never read as mathematics
    figure.text(x, y, shown, color=color, fontsize=size, fontweight=weight, ha=align, va="center", parse_math=False)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _box_about_center(nodule: Nodule) -> BoxCorners:
    """Return the nodule's box relative to its centre."""
    box, center = nodule_box(nodule), np.asarray(nodule.center_lps_mm)
    return box_of([*(np.asarray(box.low_lps_mm) - center), *(np.asarray(box.high_lps_mm) - center)])
