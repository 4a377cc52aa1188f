"""A zip that is damaged anywhere is refused, or read as if it were not: never with other values or geometry."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.sources.zip_end_record import stated_members
from nodulus.transforms.volume import CTVolume
from tests.support.dicom_series_writer import SeriesSpec, write_slices

N_FLIPS = 160
Place = Callable[[random.Random, int], int]
# Larger than a read of a header is, so that headers are read without their pixels.
LARGE = SeriesSpec(columns=190, rows=180, spacing_rows_columns_mm=(0.07, 0.06), positions=tuple(range(9)))
SMALL = SeriesSpec()


def archive(folder: Path, spec: SeriesSpec, compression: int, suffix: str = "") -> bytes:
    """Return a zip of a series: with a folder's own entry, and names that do not say DICOM."""
    slices = write_slices(spec.slices(), folder / "series")
    with zipfile.ZipFile(folder / "scan.zip", "w", compression) as scan:
        scan.writestr("study/", b"")
        for path in sorted(slices.iterdir()):
            scan.write(path, f"study/{path.stem}{suffix}")
    return (folder / "scan.zip").read_bytes()


def geometry(volume: CTVolume) -> tuple[object, ...]:
    steps = volume.grid.slice_steps
    return volume.grid.size_xyz, volume.grid.affine_lps.tolist(), None if steps is None else steps.tolist()


def middle_slices(volume: CTVolume) -> NDArray[np.float32]:
    """Read what a nodule's patch would: the other slices are never read."""
    return volume.read_slab(2, 4)


def flip(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]


ANYWHERE: Place = lambda rng, size: rng.randrange(size)  # noqa: E731  # a table of three
IN_THE_DIRECTORY: Place = lambda rng, size: size - 1 - rng.randrange(500)  # noqa: E731


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize(
    ("spec", "places"), [(SMALL, ANYWHERE), (SMALL, IN_THE_DIRECTORY), (LARGE, ANYWHERE)], ids=["small", "end", "large"]
)
def test_no_flipped_bit_changes_values_or_geometry_without_a_word(
    tmp_path: Path, compression: int, spec: SeriesSpec, places: Place
) -> None:
    data, rng = archive(tmp_path, spec, compression), random.Random(20261127)
    path = tmp_path / "scan.zip"
    right = open_ct(path, expect_lung=False)
    expected = geometry(right), middle_slices(right)
    n_refused = 0
    for _ in range(N_FLIPS):
        place, bit = places(rng, len(data)), rng.randrange(8)
        path.write_bytes(flip(data, place, bit))
        try:
            volume = open_ct(path, expect_lung=False)
            got = geometry(volume), middle_slices(volume)
        except InputRefusedError:
            n_refused += 1
            continue
        assert got[0] == expected[0], (place, bit)
        np.testing.assert_array_equal(got[1], expected[1], err_msg=f"{place} {bit}")
    assert n_refused > N_FLIPS / 3


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_no_flipped_bit_of_a_header_changes_geometry_without_a_word(tmp_path: Path, compression: int) -> None:
    data, rng = archive(tmp_path, LARGE, compression), random.Random(7)
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path) as scan:
        starts = [member.header_offset for member in scan.infolist()]
    expected = geometry(open_ct(path, expect_lung=False))
    for _ in range(N_FLIPS):
        path.write_bytes(flip(data, rng.choice(starts) + rng.randrange(900), rng.randrange(8)))
        with suppress(InputRefusedError):
            volume = open_ct(path, expect_lung=False)
            middle_slices(volume)
            assert geometry(volume) == expected


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_pixels_are_compared_with_their_checksum_before_they_count(tmp_path: Path, compression: int) -> None:
    data = archive(tmp_path, LARGE, compression)
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path) as scan:
        member = scan.infolist()[4]  # after the folder's own: slice 3
    # Near the member's end: what is read of it before is sound.
    path.write_bytes(flip(data, member.header_offset + member.compress_size - 40, 0))
    with pytest.raises(InputRefusedError, match=r"truncated.*0003"):
        open_ct(path, expect_lung=False).read_region((0, 0, 3), (4, 4, 4))


@pytest.mark.parametrize("n_stated", [0, 4, 9, 11, 65534])
def test_a_directory_of_another_length_than_its_end_says_is_refused(tmp_path: Path, n_stated: int) -> None:
    data = bytearray(archive(tmp_path, SMALL, zipfile.ZIP_STORED))
    assert stated_members(tmp_path / "scan.zip") == 10
    end = data.rfind(b"PK\5\6")
    data[end + 10 : end + 12] = n_stated.to_bytes(2, "little")
    (tmp_path / "scan.zip").write_bytes(data)
    with pytest.raises(InputRefusedError, match=r"unreadable: .*directory of 10 files"):
        open_ct(tmp_path / "scan.zip")


def test_a_directory_that_lost_entries_is_refused(tmp_path: Path) -> None:
    data = bytearray(archive(tmp_path, SMALL, zipfile.ZIP_STORED))
    end, start = data.rfind(b"PK\5\6"), data.index(b"PK\1\2")
    third = data.index(b"PK\1\2", data.index(b"PK\1\2", start + 1) + 1)
    # zipfile takes the shorter directory for what stands before its end.
    data[end + 12 : end + 16] = (end - third).to_bytes(4, "little")
    (tmp_path / "scan.zip").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "scan.zip") as scan:
        assert len(scan.infolist()) == 8
    with pytest.raises(InputRefusedError, match=r"unreadable: .*directory of 8 files where its end says 10"):
        open_ct(tmp_path / "scan.zip")


def test_an_archive_with_a_comment_and_one_of_many_members_count_right(tmp_path: Path) -> None:
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path, "w") as scan:
        scan.writestr("a", b"1")
        scan.comment = b"made by hand " * 100
    assert stated_members(path) == 1
    with zipfile.ZipFile(path, "w") as scan:
        for number in range(65540):
            scan.writestr(zipfile.ZipInfo(f"{number}"), b"")
    assert stated_members(path) == 65540
