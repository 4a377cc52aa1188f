"""The voxel values of a series against what Hounsfield units can be, told from a few of its slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom import transfer_syntaxes
from nodulus.transforms.dicom.slice_header import PixelLayout, SliceHeader
from nodulus.transforms.gate.hounsfield import check_hounsfield
from nodulus.transforms.gate.value_rules import PADDING, SPARE_BITS
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.pixels.hounsfield_slices import padding_is_applied, padding_range
from nodulus.transforms.pixels.stored_pixels import Stored, signed_numbers

from .slice_samples import SliceSamples
from .steady_values import slices_at_changes

_PROBED = (0.1, 0.3, 0.5, 0.7, 0.9)
# Decoding costs ten times what copying does.
_PROBED_COMPRESSED = (0.1, 0.5, 0.9)


def check_values(slices: Sequence[SliceHeader], samples: SliceSamples, gate: Gate) -> None:
    """Look at some pixels of a few slices and refuse values that no CT has.

    Args:
        slices: the series in the order of positions.
        samples: of its slices.
        gate: what refuses, or is warned.
    """
    places = _PROBED if slices[0].pixels.transfer_syntax in transfer_syntaxes.RAW else _PROBED_COMPRESSED
    probed = [slices[k] for k in sorted({int(part * (len(slices) - 1)) for part in places})]
    words = [samples.words(header).ravel() for header in probed]
    _check_spare_bits(probed, words, gate)
    values_hu = [_hounsfield(header, stored) for header, stored in zip(probed, words, strict=True)]
    check_hounsfield(np.concatenate(values_hu), gate, f"{probed[0].name} and {len(probed) - 1} more slices")
    _check_padding(slices, gate)


def check_bits_at_changes(slices: Sequence[SliceHeader], samples: SliceSamples, gate: Gate) -> None:
    """Refuse slices whose bits are not those of their neighbours, and which use others than they say."""
    at_changes = [slices[k] for k in slices_at_changes(slices)]
    for header in at_changes:
        _check_spare_bits([header], [samples.words(header).ravel()], gate)


def _hounsfield(header: SliceHeader, words: Stored) -> NDArray[np.float32]:
    """Return what words stand for, HU, without those that are padding."""
    stored = signed_numbers(words, header.pixels)
    if header.pixels.padding is not None:
        low, high = padding_range(header.pixels, header.pixels.padding)
        stored = stored[(stored < low) | (stored > high)]
    intensity_hu: NDArray[np.float32] = stored.astype(np.float32)
    intensity_hu *= np.float32(header.slope or 1.0)
    intensity_hu += np.float32(header.intercept or 0.0)
    return intensity_hu


def _check_spare_bits(slices: Sequence[SliceHeader], words: Sequence[Stored], gate: Gate) -> None:
    """Refuse words that use bits which the header says are not stored, so that pixels would be masked."""
    odd = [header for header, stored in zip(slices, words, strict=True) if not _is_clean(stored, header.pixels)]
    if odd:
        expected = f"{odd[0].pixels.bits_stored} bits stored up to bit {odd[0].pixels.high_bit}"
        places = [header.place for header in odd]
        gate.refuse(SPARE_BITS, "others in use", odd[0].name, places, expected=expected)


def _is_clean(words: Stored, layout: PixelLayout) -> bool:
    """Return whether the bits around those stored are zero, the sign's, an overlay's or of a padding value."""
    if layout.bits_stored == layout.bits_allocated or layout.has_overlay:
        return True
    n_bytes = words.dtype.itemsize
    bits = words.astype(f"u{n_bytes}")
    if layout.padding is not None:
        bits = bits[(bits != layout.padding[0]) & (bits != layout.padding[1])]
    first = layout.high_bit + 1 - layout.bits_stored
    mask = ((1 << layout.bits_stored) - 1) << first
    is_zero = (bits & bits.dtype.type(~mask & (1 << 8 * n_bytes) - 1)) == 0
    if layout.is_signed and first == 0:
        is_zero |= bits == signed_numbers(bits, layout).view(bits.dtype)
    return bool(is_zero.all())


def _check_padding(slices: Sequence[SliceHeader], gate: Gate) -> None:
    odd = [header for header in slices if header.pixels.padding is not None and not padding_is_applied(header)]
    if odd:
        got, places = f"stored {odd[0].pixels.padding}, a tissue's value,", [header.place for header in odd]
        gate.judge(PADDING, got, odd[0].name, places, outcome="not applied")
