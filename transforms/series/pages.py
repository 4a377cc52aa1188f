"""Pages of a report or a curve among the slices of a series: set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import PAGE
from nodulus.transforms.gate.verdict import Gate

_MADE_LATER = ("DERIVED", "SECONDARY")


def set_pages_aside(slices: Sequence[SliceHeader], gate: Gate) -> list[SliceHeader]:
    """Return the slices without the few that have no place in space and do not claim to be slices."""
    usual, _ = Counter(_kind(header) for header in slices).most_common(1)[0]
    pages = [header for header in slices if _is_page(header, usual)]
    most = max(PAGE["at_most"], len(slices) * PAGE["or_at_most"] / 100)
    # Of a series that has no geometry at all the gate says so; a page is one among many slices.
    if not pages or len(pages) > most or 2 * len(pages) >= len(slices):
        return list(slices)
    kind = "/".join(pages[0].image_type)
    got = f"{len(pages)} of ImageType {kind or 'not given'} without ImagePositionPatient"
    gate.judge(
        PAGE, got, pages[0].name, [header.place for header in pages], expected="slices only", outcome="set aside"
    )
    return [header for header in slices if header not in pages]


def _kind(header: SliceHeader) -> tuple[str, ...]:
    return tuple(word for word in _MADE_LATER if word in header.image_type)


def _is_page(header: SliceHeader, usual: tuple[str, ...]) -> bool:
    if header.position_lps_mm is not None:
        return False
    has_no_plane = header.orientation_lps is None and header.spacing_rows_columns_mm is None
    return has_no_plane or (_kind(header) != usual and bool(_kind(header)))
