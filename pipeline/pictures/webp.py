"""Pictures as WebP, a third of PNG's size: what a page can hold many of."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# From what no eye tells from the original down to what still shows where a nodule lies.
_QUALITIES = (90, 75, 50, 25, 5)


def webp_of(picture: NDArray[np.uint8], most_bytes: int) -> bytes:
    """Return a picture (down, across, red green blue) as WebP, as good as fits into so many bytes.

    What fits at no quality is as small as it gets.
    """
    image, content = Image.fromarray(picture), io.BytesIO()
    for quality in _QUALITIES:
        content = io.BytesIO()
        image.save(content, "WEBP", quality=quality, method=4)
        if content.tell() <= most_bytes:
            break
    return content.getvalue()


def as_grey(values: NDArray[np.floating], low: float, high: float, nothing: str) -> NDArray[np.uint8]:
    """Return values (down, across) as a picture from black to white.

    Args:
        values: NaN where there is nothing.
        low: what is black, as is all below it.
        high: what is white.
        nothing: the colour of NaN, as ``#rrggbb``.
    """
    levels = (np.clip((values - low) / (high - low), 0, 1) * 255).round()
    picture = np.repeat(np.nan_to_num(levels).astype(np.uint8)[..., None], 3, axis=-1)
    picture[np.isnan(values)] = tuple(bytes.fromhex(nothing.removeprefix("#")))
    return picture
