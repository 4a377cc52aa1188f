"""The one record of what was found; JSON, CSV and the console table are views of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from nodulus.pipeline.bundle.identity import BundleIdentity
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.patient_model import PatientUse
from nodulus.pipeline.readout.prior_shift import PrevalenceShift
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.transforms.geometry import BoxCorners, Frame, Grid, Triple
from nodulus.transforms.problems import Problem

from .manifest import Manifest
from .measures import Measures
from .stability import Stability

# 1: until nodulus 0.3. 1.1: the run's manifest, the files and the hash of each case, a nodule's stability and measures.
# 1.2: another prevalence, and what is known of the patient.
SchemaVersion = Literal["1", "1.1", "1.2"]
CaseStatus = Literal["scored", "refused", "failed"]


def as_unicode(name: str) -> str:
    """Return a name with what is no Unicode escaped: systems allow such bytes in paths, and no file of ours does."""
    return name.encode("utf-8", "backslashreplace").decode()


# What users call a thing.
Name = Annotated[str, AfterValidator(as_unicode)]


class ProblemRecord(Record):
    """What is wrong: a stable code, one line of expected and got, the offending items by name."""

    code: str
    message: str
    items: tuple[str, ...] = ()

    @classmethod
    def of(cls, problem: Problem) -> ProblemRecord:
        """Return the record of a problem."""
        return cls(code=problem.code.value, message=problem.message, items=problem.items)


class Geometry(Record):
    """Where the scan's voxels are; ``direction_lps`` lists the unit vectors of the x, the y and the z axis."""

    size: tuple[int, int, int]
    spacing_mm: Triple
    origin_lps_mm: Triple
    direction_lps: tuple[Triple, Triple, Triple]

    @classmethod
    def of(cls, grid: Grid) -> Geometry:
        """Return the record of a grid, rounded to a tenth of a micrometre."""
        x, y, z = (tuple(round(float(value), 7) for value in axis) for axis in grid.direction_lps.T)
        return cls.model_validate(
            {
                "size": grid.size_xyz,
                "spacing_mm": [round(value, 4) for value in grid.spacing_mm],
                "origin_lps_mm": [round(value, 4) for value in grid.origin_lps_mm],
                "direction_lps": [x, y, z],
            }
        )


class ScanRecord(Record):
    """What `nodulus check` says of a scan; a refused one has no geometry and no attributes."""

    input: str
    status: Literal["accepted", "refused"]
    problem: ProblemRecord | None = None
    warnings: tuple[ProblemRecord, ...] = ()
    geometry: Geometry | None = None
    attributes: dict[str, str | float | int] = Field(default_factory=dict)
    nodule_problems: tuple[ProblemRecord, ...] = ()
    pictures: tuple[str, ...] = ()


class Probabilities(Record):
    """Probability of each class; they add up to one."""

    benign: float = Field(ge=0, le=1)
    malignant: float = Field(ge=0, le=1)


class BrockRecord(Record):
    """The Brock (PanCan) model's probability of cancer (McWilliams 2013), a second opinion that saw no image.

    None where the nodule table lacks what the model asks: ``missing`` names it, ``problem`` what was not understood.
    """

    probability_cancer: float | None = Field(default=None, ge=0, le=1)
    missing: tuple[str, ...] = ()
    problem: str | None = None


class ScorePartsRecord(Record):
    """The calibrated logit of malignancy, taken apart: ``average``, all ``parts`` and ``remainder`` add up to it.

    ``average`` is the logit of the average validation nodule, ``parts`` what each predicted characteristic and the size
    add for being other than the average, ``remainder`` what they do not explain of this nodule. ``explained`` is the
    share of the logit's variance that the sum explains in nodules that it was not fitted to. The characteristics are
    the same network's: the parts say how the score hangs together with them, not whether it is right.
    """

    logit: float
    average: float
    parts: dict[str, float]
    remainder: float
    explained: Estimate


class NoduleResult(Record):
    """One nodule: where it was looked for, and its score or the problem that kept it from one.

    ``center_lps_mm`` and ``box_lps_mm`` (low corner, then high corner) are LPS millimetres. ``probabilities`` are
    calibrated; ``logits`` are the network's raw outputs: benign, malignant, then the characteristics in the order of
    ``characteristics``. ``size_only`` is what the diameter alone would say, calibrated on the same nodules. ``above``
    says for each of the bundle's operating points whether the malignant probability reaches its threshold.
    ``characteristics`` are predicted mean ratings on the LIDC scales. ``stability`` and ``explanation`` (the score as a
    sum over characteristics and size) are there where they were asked for. ``prevalence`` is there where another one
    was asked for: ``probabilities``, ``size_only``, ``stability`` and ``explanation`` are then of that prevalence.
    ``patient`` is there where the calibration knows what a patient adds to the image. ``flags`` say why to distrust a
    score that was given, ``problem`` why none was.
    """

    nodule_id: Name
    center_lps_mm: Triple
    diameter_mm: float
    box_lps_mm: BoxCorners | None = None
    probabilities: Probabilities | None = None
    logits: tuple[float, ...] | None = None
    size_only: Probabilities | None = None
    prevalence: PrevalenceShift | None = None
    patient: PatientUse | None = None
    brock: BrockRecord | None = None
    above: dict[str, bool] = Field(default_factory=dict)
    characteristics: dict[str, float] = Field(default_factory=dict)
    stability: Stability | None = None
    measures: Measures | None = None
    explanation: ScorePartsRecord | None = None
    flags: tuple[ProblemRecord, ...] = ()
    problem: ProblemRecord | None = None


class NodulesFrom(Record):
    """Which kind of source the nodules were read from, the frame its numbers were taken in, and what was left out."""

    format: str
    frame: Frame
    frame_is: Literal["stated", "implied"]
    notes: tuple[str, ...] = ()


class CaseResult(Record):
    """One scan and its nodules. A refused or failed case carries its problem and no scores.

    ``files`` are those that show this case alone, as paths from the folder of results.json. ``input_sha256`` is the
    hash of the scan's files where it was asked for (see ``nodulus.pipeline.scoring.scan_digest``).
    """

    case_id: Name
    input: Name
    status: CaseStatus
    problem: ProblemRecord | None = None
    warnings: tuple[ProblemRecord, ...] = ()
    geometry: Geometry | None = None
    nodules_from: NodulesFrom | None = None
    nodules: tuple[NoduleResult, ...] = ()
    files: tuple[str, ...] = ()
    input_sha256: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every nodule of the case was scored."""
        return self.status == "scored" and all(nodule.problem is None for nodule in self.nodules)


class Software(Record):
    """What computed the results."""

    name: str
    version: str


class Results(Record):
    """The content of results.json.

    Records of an earlier minor version are read as well: what they did not know yet takes its default.
    """

    schema_version: SchemaVersion = "1.2"
    created: str
    software: Software
    bundle: BundleIdentity
    engine: str
    run: Manifest | None = None
    cases: tuple[CaseResult, ...]


def read_results(path: Path) -> Results:
    """Return the record that a results.json holds, of this version of its schema or an earlier one.

    Raises:
        UsageError: the file is missing, or holds something else, such as the record of a later version.
    """
    return read_json_as(Results, path, "the results of nodulus", named_by="case_id")


def results_schema() -> str:
    """Return the JSON schema of results.json."""
    return json.dumps(Results.model_json_schema(), indent=2) + "\n"
