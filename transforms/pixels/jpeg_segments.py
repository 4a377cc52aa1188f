"""The marker segments of a JPEG image, walked before a decoder in C sees them; of JPEG-LS, up to its frame header."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import BrokenPixelsError

_START, _END, _SCAN, _HUFFMAN, _RESTART_INTERVAL = 0xD8, 0xD9, 0xDA, 0xC4, 0xDD
_COMMENT = 0xFE
_QUANTISATION = 0xDB
BASELINE_FRAME, EXTENDED_FRAME, LOSSLESS_FRAME, JPEG_LS_FRAME = 0xC0, 0xC1, 0xC3, 0xF7
_FRAMES = frozenset({BASELINE_FRAME, EXTENDED_FRAME, LOSSLESS_FRAME, JPEG_LS_FRAME})
_KEPT = _FRAMES | {_HUFFMAN, _RESTART_INTERVAL, _QUANTISATION}
_MAX_SEGMENTS = 1000


@dataclass
class JpegImage:
    """A JPEG image of one component and one scan, and where its parts are.

    Args:
        frame: the marker that tells the process: baseline and extended are lossy, lossless, or JPEG-LS.
        precision: bits of a pixel.
        rows: of the image.
        columns: of the image.
        component: the number that the scan must name.
        restart_interval: pixels between restart markers; 0 where there are none.
        code_lengths: Huffman tables by class * 16 + number: the length in bits of each symbol's code.
        scan: the entropy-coded bytes, with their stuffing.
        predictor: what a lossless scan predicts a pixel from.
        table: the Huffman table (class 0) of the scan.
        plain: the stream with nothing but what a decoder needs.
    """

    frame: int = 0
    precision: int = 0
    rows: int = 0
    columns: int = 0
    component: int = -1
    restart_interval: int = 0
    code_lengths: dict[int, dict[int, int]] = field(default_factory=dict)
    predictor: int = 0
    table: int = 0
    scan: bytes = b""
    plain: bytes = b""


def read_jpeg(stream: bytes) -> JpegImage:
    """Return what a JPEG stream holds; ``plain`` is the same stream with nothing but what a decoder needs.

    libjpeg makes up what it cannot decode; its streams are walked to their end. CharLS refuses damage by itself, but
    takes memory for whatever size a JPEG-LS frame claims first.

    Raises:
        BrokenPixelsError: a segment is out of bounds, out of place or out of range.
    """
    _require(stream[:2] == bytes((0xFF, _START)), "no start of an image")
    image, kept, offset = JpegImage(), [stream[:2]], 2
    for _ in range(_MAX_SEGMENTS):
        marker, start, stop = _segment(stream, offset)
        body = stream[start:stop]
        if marker in _KEPT:
            _read(image, marker, body)
            kept.append(stream[start - 4 : stop])
            if marker == JPEG_LS_FRAME:
                image.plain = _to_its_end(stream)
                return image
        elif marker == _SCAN:
            _read_scan(image, body)
            end = _end_of_scan(stream, stop)
            image.scan = stream[stop:end]
            image.plain = b"".join([*kept, stream[start - 4 : end], bytes((0xFF, _END))])
            return image
        else:
            _require(0xE0 <= marker <= 0xEF or marker == _COMMENT, f"marker {marker:02X}")
        offset = stop
    raise BrokenPixelsError("segments without end")


def _require(holds: bool, got: str) -> None:
    if not holds:
        raise BrokenPixelsError(got)


def _to_its_end(stream: bytes) -> bytes:
    """Return a stream without what stands after the last marker that ends an image."""
    end = stream.rfind(bytes((0xFF, _END)))
    _require(end >= 0, "a compressed image without its end")
    return stream[: end + 2]


def _segment(stream: bytes, offset: int) -> tuple[int, int, int]:
    """Return the marker at an offset, and where the bytes of its segment start and stop."""
    _require(stream[offset : offset + 1] == b"\xff", "no marker where one is due")
    while stream[offset + 1 : offset + 2] == b"\xff":
        offset += 1
    _require(offset + 4 <= len(stream), "a compressed image without its end")
    length = int.from_bytes(stream[offset + 2 : offset + 4], "big")
    _require(length >= 2 and offset + 2 + length <= len(stream), "a segment that leaves the image")
    return stream[offset + 1], offset + 4, offset + 2 + length


def _read(image: JpegImage, marker: int, body: bytes) -> None:
    if marker in _FRAMES:
        _read_frame(image, marker, body)
    elif marker == _HUFFMAN:
        _read_tables(image, body)
    elif marker == _RESTART_INTERVAL:
        _require(len(body) == 2, "a restart interval of another length")
        image.restart_interval = int.from_bytes(body, "big")
    elif marker == _QUANTISATION:
        _require(len(body) % 65 == 0 and all(number < 4 for number in body[::65]), "a quantisation table of 16 bits")


def _read_frame(image: JpegImage, marker: int, body: bytes) -> None:
    _require(image.frame == 0, "a second frame")
    _require(len(body) == 9 and body[5] == 1, "more components than one")
    image.frame, image.precision, image.component = marker, body[0], body[6]
    image.rows, image.columns = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    _require(body[7] == 0x11 and body[8] < 4, "a subsampled component")


def _read_tables(image: JpegImage, body: bytes) -> None:
    offset = 0
    while offset < len(body):
        counts = body[offset + 1 : offset + 17]
        symbols = body[offset + 17 : offset + 17 + sum(counts)]
        name = body[offset]
        _require(name >> 4 <= 1 and name & 15 <= 3, "a Huffman table of no number")
        _require(len(counts) == 16 and 0 < sum(counts) == len(symbols) <= 256, "a Huffman table that is cut")
        _require(len(set(symbols)) == len(symbols), "a Huffman table with a symbol twice")
        _require(sum(n << (15 - bits) for bits, n in enumerate(counts)) < 1 << 16, "Huffman codes that overflow")
        lengths = [bits for bits, n in enumerate(counts, start=1) for _ in range(n)]
        image.code_lengths[name] = dict(zip(symbols, lengths, strict=True))
        offset += 17 + len(symbols)


def _read_scan(image: JpegImage, body: bytes) -> None:
    _require(image.frame != 0, "a scan before its frame")
    _require(len(body) == 6 and body[0] == 1 and body[1] == image.component, "a scan of another component")
    image.table, image.predictor = body[2] >> 4, body[3]
    _require(image.table in image.code_lengths, "a scan without its Huffman table")
    if image.frame == LOSSLESS_FRAME:
        _require(1 <= image.predictor <= 7 and body[4] == 0 and body[5] == 0, "a predictor or shift that is unknown")
        _require(max(image.code_lengths[image.table]) <= 16, "a difference of more than 16 bits")
    else:
        _require(16 + (body[2] & 15) in image.code_lengths, "a scan without its Huffman table")
        _require(body[3:6] == b"\x00\x3f\x00", "a part of a spectrum")


def _end_of_scan(stream: bytes, offset: int) -> int:
    """Return where the marker stands that ends the entropy-coded bytes; it must end the image."""
    while True:
        offset = stream.find(b"\xff", offset)
        _require(0 <= offset < len(stream) - 1, "a compressed image without its end")
        after = stream[offset + 1]
        if after == _END:
            return offset
        _require(after == 0 or 0xD0 <= after <= 0xD7 or after == 0xFF, f"marker {after:02X} inside the pixels")
        offset += 1 if after == 0xFF else 2
