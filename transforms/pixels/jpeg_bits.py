"""Whether a decoded JPEG lossless image accounts for every bit of its stream."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BrokenPixelsError
from .jpeg_segments import JpegImage

_N_CATEGORIES = 17
_NO_CODE = 1 << 20


def check_bits(image: JpegImage, decoded: NDArray[np.integer[Any]]) -> None:
    """Raise BrokenPixelsError where pixels need other bits than the scan holds: bytes were lost, and the rest made up.

    libjpeg fills what it cannot decode with a made-up difference and only prints that it did. Encoding the decoded
    differences again takes a known number of bits by the stream's own table; nothing needs to be written to count them.
    """
    if image.restart_interval:
        return  # each interval is padded and predicted anew; its markers were walked, its bits are not counted
    differences = _differences(decoded.astype(np.int32), image).astype(np.int16)
    sizes = np.abs(differences.astype(np.int32))
    category = np.frexp(sizes.astype(np.float32))[1]
    counts = np.bincount(category.ravel(), minlength=_N_CATEGORIES)
    lengths = image.code_lengths[image.table]
    # The category of 16 bits, a difference of 32768, is followed by no further bits.
    bits = [lengths.get(n, _NO_CODE) + (n if n < 16 else 0) for n in range(_N_CATEGORIES)]
    needed = sum(int(n) * each for n, each in zip(counts, bits, strict=True))
    held = 8 * (len(image.scan) - image.scan.count(b"\xff\x00"))
    if not 0 <= held - needed < 16:  # a last byte's padding, and one byte that evens the length
        raise BrokenPixelsError(f"pixels that take {needed} bits of the {held} that are there")


def _differences(pixels: NDArray[np.int32], image: JpegImage) -> NDArray[np.int32]:
    """Return pixels less their prediction (ISO 10918-1, H.1.2.1): first row from the left, first column above."""
    predicted = np.empty_like(pixels)
    predicted[0, 0] = 1 << (image.precision - 1)
    predicted[0, 1:], predicted[1:, 0] = pixels[0, :-1], pixels[:-1, 0]
    left, above, corner = pixels[1:, :-1], pixels[:-1, 1:], pixels[:-1, :-1]
    by = (
        left,
        above,
        corner,
        left + above - corner,
        left + ((above - corner) >> 1),
        above + ((left - corner) >> 1),
        (left + above) >> 1,
    )
    predicted[1:, 1:] = by[image.predictor - 1]
    return pixels - predicted
