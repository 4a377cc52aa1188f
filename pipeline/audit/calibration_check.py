"""Whether the calibration beside a bundle's weights is well-formed, and theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nodulus.pipeline.json_files import parse_json
from nodulus.pipeline.readout.calibration import Calibration

from .finding import Finding, Kind
from .listed_record import WEIGHTS, read_listed
from .places import BundleFile

_CALIBRATION = "models/calibration.json"


def calibration_found(files: Sequence[BundleFile], sha256: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what a calibration is, where a bundle has one."""
    file = next((file for file in files if file.name == _CALIBRATION), None)
    if file is None:
        return
    calibration = read_listed(file, _parse, Kind.CALIBRATION)
    if isinstance(calibration, Finding):
        yield calibration
        return
    stated = calibration.weights_sha256
    problem = "" if stated == sha256.get(WEIGHTS) else "fitted to other weights than the bundle's"
    yield Finding(file.name, "weights_sha256", Kind.CALIBRATION, stated[:12], problem)


def _parse(content: bytes) -> Calibration:
    return Calibration.model_validate(parse_json(content))
