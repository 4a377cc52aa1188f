"""Some pixels of a series' slices, each slice decoded once however many checks look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.value_rules import HAS_TISSUE
from nodulus.transforms.pixels.hounsfield_slices import loaded, padding_is_applied, padding_range
from nodulus.transforms.pixels.stored_pixels import Stored, read_words, signed_numbers
from nodulus.transforms.volume import AIR_HU

Coarse = NDArray[np.float32]
T = TypeVar("T")

# Enough for the slices that several checks share; 128 KiB each.
_MAX_WORDS = 24
_BLOCKS_A_SIDE = 64
# What lies beyond decides nothing, and metal would decide all.
_LOWEST_HU, _HIGHEST_HU = -1024.0, 1500.0
# Fewer blocks of soft tissue say nothing of it.
_ENOUGH_BLOCKS = 12
_STANDARD_ERRORS = 3.0


class SliceSamples:
    """Samples of slices, decoded when they are first asked for.

    Args:
        slices: all that may be asked for.
    """

    def __init__(self, slices: Sequence[SliceHeader]) -> None:
        self._ready = {id(header): ready for header, ready in zip(slices, loaded(slices), strict=True)}
        self._words: dict[int, Stored] = {}
        self._coarse: dict[int, Coarse] = {}

    def words(self, header: SliceHeader) -> Stored:
        """Return the stored words of every other pixel of every other row, (rows, columns)."""
        return _kept(self._words, header, lambda: _read(self._ready[id(header)]), _MAX_WORDS)

    def coarse_hu(self, header: SliceHeader) -> Coarse:
        """Return the means of blocks of a slice, some 64 a side, Hounsfield units: noise is averaged away."""
        return _kept(self._coarse, header, lambda: _coarse(header, self.words(header)))


def _kept(cache: dict[int, T], header: SliceHeader, make: Callable[[], T], most: int | None = None) -> T:
    if id(header) not in cache:
        if most is not None and len(cache) >= most:
            del cache[next(iter(cache))]
        cache[id(header)] = make()
    return cache[id(header)]


def _read(header: SliceHeader) -> Stored:
    layout = header.pixels
    return read_words(header, slice(0, layout.rows), slice(0, layout.columns))[::2, ::2]


def coarse_of(every_other_hu: Coarse) -> Coarse:
    """Return the means of blocks of every other pixel of every other row of a slice, Hounsfield units."""
    return _block_means(np.clip(every_other_hu[:: _row_step(len(every_other_hu))], _LOWEST_HU, _HIGHEST_HU))


def _coarse(header: SliceHeader, words: Stored) -> Coarse:
    return _block_means(_shown_hu(header, words[:: _row_step(len(words))]))


def _row_step(n_rows: int) -> int:
    # Of a large slice every fourth row is enough to average noise away.
    return 2 if n_rows >= 2 * _BLOCKS_A_SIDE else 1


def _shown_hu(header: SliceHeader, words: Stored) -> Coarse:
    """Return what words stand for, HU, with air where padding becomes air."""
    stored = signed_numbers(words, header.pixels)
    intensity_hu: Coarse = stored.astype(np.float32)
    intensity_hu *= np.float32(header.slope or 1.0)
    intensity_hu += np.float32(header.intercept or 0.0)
    if header.pixels.padding is not None and padding_is_applied(header):
        low, high = padding_range(header.pixels, header.pixels.padding)
        intensity_hu[(stored >= low) & (stored <= high)] = AIR_HU
    return np.clip(intensity_hu, _LOWEST_HU, _HIGHEST_HU, out=intensity_hu)


def _block_means(values: Coarse) -> Coarse:
    high, wide = (max(n // _BLOCKS_A_SIDE, 1) for n in values.shape)
    rows, columns = values.shape[0] // high, values.shape[1] // wide
    blocks = values[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def distance_hu(first: Coarse, second: Coarse) -> float:
    """Return how unlike two samples are: the mean difference, HU."""
    return float(np.abs(first - second).mean())


def tissue_offset_hu(sample: Coarse, expected: Coarse) -> float:
    """Return by how much a slice's soft tissue, where it is expected, is off for sure; 0 where there is too little."""
    is_tissue = (expected > HAS_TISSUE["above"]) & (expected < HAS_TISSUE["below"])
    off = (sample - expected)[is_tissue]
    if len(off) < min(_ENOUGH_BLOCKS, expected.size):
        return 0.0
    middle = float(np.median(off))
    # Of a normal distribution the quartiles are 1.35 standard deviations apart, and a median errs by 1.25 of a mean's.
    spread = float(np.subtract(*np.percentile(off, (75, 25)))) / 1.35
    unsure = _STANDARD_ERRORS * 1.25 * spread / len(off) ** 0.5
    return float(np.copysign(max(abs(middle) - unsure, 0.0), middle))
