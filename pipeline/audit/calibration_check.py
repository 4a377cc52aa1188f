"""Whether the calibration beside a bundle's weights is well-formed, and theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from nodulus.pipeline.json_files import parse_json
from nodulus.pipeline.readout.calibration import Calibration

from .finding import Finding, Kind
from .places import BundleFile

_WEIGHTS, _CALIBRATION = "models/model.pt", "models/calibration.json"
_MOST_BYTES = 2**20


def calibration_found(files: Sequence[BundleFile], sha256: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what a calibration is, where a bundle has one."""
    file = next((file for file in files if file.name == _CALIBRATION), None)
    if file is None:
        return
    try:
        calibration = Calibration.model_validate(parse_json(file.read(_MOST_BYTES)))
    except ValidationError as error:
        first = error.errors()[0]
        yield Finding(file.name, "#".join(map(str, first["loc"])), Kind.CALIBRATION, "", f"malformed: {first['msg']}")
        return
    except (OSError, ValueError, RecursionError) as error:
        yield Finding(file.name, "", Kind.CALIBRATION, "", f"cannot be read: {error}")
        return
    stated = calibration.weights_sha256
    problem = "" if stated == sha256.get(_WEIGHTS) else "fitted to other weights than the bundle's"
    yield Finding(file.name, "weights_sha256", Kind.CALIBRATION, stated[:12], problem)
