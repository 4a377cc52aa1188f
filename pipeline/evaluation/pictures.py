"""What a nodule of an evaluation looks like: three planes through its centre, small enough for a page."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from nodulus.pipeline.nodules.nodule import Nodule, nodule_from_mapping
from nodulus.pipeline.nodules.placement import nodule_box
from nodulus.pipeline.pictures.views import FIELD_MM, PLANES, SPACING_MM, WINDOW_HU, Plane, sampled_hu
from nodulus.transforms.geometry import Triple
from nodulus.transforms.problems import InputRefusedError, ProblemCode, UsageError
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume

from .predictions import Prediction

AROUND_BOX_MM = 9.0
SMALLEST_FIELD_MM = 26.0
SCALE_BAR_MM = 10.0
# Evaluation crops hold few slices, and their corners may be cut to one value: what the training configs admit too.
ADMITTED = (ProblemCode.TOO_FEW_SLICES, ProblemCode.NOT_HOUNSFIELD)

# The box is of a colour that means nothing else on the page.
_BOX, _TEXT, _NOT_SCANNED = "#ffe066", "#f2f4f7", "#3a4150"


def picture_of(prediction: Prediction) -> bytes:
    """Return a PNG of axial, coronal and sagittal planes with the box that the network was shown.

    Args:
        prediction: its attributes hold ``image``, a path that exists, ``center_lps_mm`` and, where it was outlined,
            ``box_lps_mm``.

    Raises:
        UsageError: the prediction names no image or place, or there is no such file.
        InputRefusedError: the series gate refuses the image.
    """
    nodule, volume = _nodule_of(prediction), _open(prediction)
    box = nodule_box(nodule)
    field_mm = _field_mm(np.subtract(box.high_lps_mm, box.low_lps_mm))
    low = np.subtract(box.low_lps_mm, nodule.center_lps_mm)
    high = np.subtract(box.high_lps_mm, nodule.center_lps_mm)
    figure = Figure(figsize=(6.0, 2.0), dpi=110, facecolor="#000000")
    canvas = FigureCanvasAgg(figure)
    for panel, plane in zip(figure.subplots(1, 3), PLANES, strict=True):
        _draw_plane(panel, _picture_hu(volume, nodule.center_lps_mm, plane, field_mm), field_mm)
        _draw_box(panel, plane, low, high)
    _draw_scale_bar(panel, field_mm)
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, wspace=0.02)
    png = io.BytesIO()
    canvas.print_figure(png, format="png")
    return png.getvalue()


def try_picture_of(prediction: Prediction) -> tuple[bytes | None, str]:
    """Return the picture and nothing, or None and the reason in words why there is none."""
    try:
        return picture_of(prediction), ""
    except (UsageError, InputRefusedError) as error:
        return None, str(error).splitlines()[0]
    except OSError as error:  # a file that vanished or cannot be read: the figures are still worth a page
        return None, error.strerror or type(error).__name__


def _nodule_of(prediction: Prediction) -> Nodule:
    place: Mapping[str, object] = {
        "nodule_id": prediction.nodule_id,
        "diameter_mm": prediction.diameter_mm,
        "center_lps_mm": prediction.attributes.get("center_lps_mm"),
        "box_lps_mm": prediction.attributes.get("box_lps_mm"),
    }
    return nodule_from_mapping(place)


def _open(prediction: Prediction) -> CTVolume:
    image = prediction.attributes.get("image")
    if not image:
        raise UsageError(f"Expected the image of nodule {prediction.nodule_id}, the data list names none")
    return open_ct(str(image), allow=ADMITTED, expect_lung=False)


def _field_mm(box_size_mm: NDArray[np.float64]) -> float:
    """Return the side of the pictures: the box with some lung around it."""
    return float(np.clip(box_size_mm.max() + 2 * AROUND_BOX_MM, SMALLEST_FIELD_MM, FIELD_MM))


def _picture_hu(volume: CTVolume, center_lps_mm: Triple, plane: Plane, field_mm: float) -> NDArray[np.float32]:
    """Return the middle of a plane (down, across), NaN where nothing was scanned."""
    whole = sampled_hu(volume, center_lps_mm, plane)
    middle, reach = whole.shape[0] // 2, int(field_mm / 2 / SPACING_MM)
    return whole[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]


def _draw_plane(panel: Axes, picture_hu: NDArray[np.float32], field_mm: float) -> None:
    edge = (picture_hu.shape[0] - 1) / 2 * SPACING_MM + SPACING_MM / 2
    low, high = WINDOW_HU
    panel.set_facecolor(_NOT_SCANNED)
    panel.imshow(
        picture_hu, cmap="gray", vmin=low, vmax=high, extent=(-edge, edge, edge, -edge), interpolation="bilinear"
    )
    panel.set(xlim=(-field_mm / 2, field_mm / 2), ylim=(field_mm / 2, -field_mm / 2), xticks=[], yticks=[])
    for spine in panel.spines.values():
        spine.set_visible(False)


def _draw_box(panel: Axes, plane: Plane, low_mm: NDArray[np.float64], high_mm: NDArray[np.float64]) -> None:
    """Outline the box, given relative to the nodule's centre."""
    left, right = low_mm[plane.across], high_mm[plane.across]
    top, bottom = sorted((plane.down_sign * low_mm[plane.down], plane.down_sign * high_mm[plane.down]))
    frame = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=_BOX, linewidth=1.3)
    frame.set_path_effects([withStroke(linewidth=2.4, foreground="#00000080")])
    panel.add_patch(frame)


def _draw_scale_bar(panel: Axes, field_mm: float) -> None:
    right, down = 0.44 * field_mm, 0.44 * field_mm
    panel.plot(
        [right - SCALE_BAR_MM, right],
        [down, down],
        color=_TEXT,
        linewidth=1.8,
        path_effects=[withStroke(linewidth=3.4, foreground="#000000")],
    )
