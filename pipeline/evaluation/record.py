"""The content of metrics.json: what an evaluation found, typed; the page and the model card are views of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from nodulus.pipeline.files import write_text
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.prior_shift import PrevalenceShift
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.calibration_metrics import CalibrationReport
from nodulus.pipeline.statistics.curves import DecisionCurve, PrecisionRecallBand, RocBand
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.operating_points import Accuracy, OperatingPoint

SCHEMA_VERSION = "1"

# Names of the scores that every evaluation holds; those of baselines come beside them.
NETWORK, DIAMETER_BOX, SIZE_ONLY, DIAMETER = "network", "network_diameter_box", "size_only", "diameter"


class BundleUsed(Record):
    """Which bundle made the scores."""

    name: str
    version: str
    weights_sha256: str


class Context(Record):
    """What an evaluation was made of and how; nothing in it is measured.

    Args:
        title: of the page.
        data: name of the data list, and its hash and split.
        label: what the labels mean, in a sentence.
        overlap: whether patients trained the weights, in a sentence.
        overlapping_patients: how many did; None where nobody could tell.
        caveat: why the figures flatter the network, in words that may follow them; None where nothing is known to.
        bundle: None where no single bundle made the scores (cross-validation).
        operating_points: thresholds on the calibrated probability that came with the scores, and what they gave there.
        prevalence: another share of malignant nodules that the decision curve is told for, too; None where none was.
        n_resamples: bootstrap samples behind every interval.
        seed: of the bootstrap.
        created: UTC, ISO 8601.
        software: name and version.
    """

    title: str = "Evaluation"
    data: str
    data_hash: str | None = None
    split: str
    label: str
    overlap: str
    overlapping_patients: int | None = None
    caveat: str | None = None
    bundle: BundleUsed | None = None
    operating_points: tuple[OperatingPoint, ...] = ()
    prevalence: PrevalenceShift | None = None
    n_resamples: int = 2000
    seed: int = 0
    created: str
    software: str


class Counts(Record):
    """How many nodules, of how many patients, with which labels."""

    nodules: int
    patients: int
    malignant: int
    benign: int
    undecided: int = 0


class ScoreRecord(Record):
    """How well one score tells malignant from benign, and the network on the same nodules.

    Args:
        counts: of the labelled nodules that have the score.
        auc: of the score.
        average_precision: of the score.
        network_auc: of the network, on these nodules.
        minus_diameter: AUC of the score less the diameter's; paired, None for the diameter itself.
        minus_diameter_p: of that difference (DeLong, nodules taken as independent).
        network_minus: AUC of the network less the score's; paired, None for the network itself.
        network_minus_p: of that difference (DeLong).
    """

    counts: Counts
    auc: Estimate
    average_precision: Estimate
    network_auc: Estimate
    minus_diameter: Estimate | None = None
    minus_diameter_p: float | None = None
    network_minus: Estimate | None = None
    network_minus_p: float | None = None


class OperatingPointRecord(Record):
    """A threshold, and what it does to these nodules beside what it did to those that it was chosen on.

    Args:
        chosen: the threshold and what it gave then.
        network: what it gives here.
        called_malignant: nodules here at or above it.
    """

    chosen: OperatingPoint
    network: Accuracy
    called_malignant: int


class PointAtPrevalence(Record):
    """What a threshold would give where another share of the nodules is malignant; the same nodules reach it.

    Args:
        name: of the operating point.
        threshold: on the probability at that prevalence.
        ppv: share malignant of those called malignant.
        npv: share benign of those called benign.
    """

    name: str
    threshold: float
    ppv: Estimate | None
    npv: Estimate | None


class AtPrevalence(Record):
    """What the scores would be worth where another share of the nodules is malignant.

    It takes for granted that malignant and benign nodules look there as they do here.

    Args:
        shift: which prevalence, and from which the probabilities were moved.
        decision_curve: net benefit there, of the moved probabilities.
        operating_points: the thresholds, moved with them.
    """

    shift: PrevalenceShift
    decision_curve: DecisionCurve
    operating_points: tuple[PointAtPrevalence, ...]


class GroupRecord(Record):
    """Some of the nodules: the AUC of each score there, or the reason why none is told.

    Args:
        of: what the nodules were grouped by, or "label rule" where the labels are remade.
        name: of the group.
        counts: of the labelled nodules in it.
        auc: by score.
        minus_diameter: paired difference of each score's AUC to the diameter's.
        reason: in words, where there are too few nodules to tell.
    """

    of: str
    name: str
    counts: Counts
    auc: dict[str, Estimate] = Field(default_factory=dict)
    minus_diameter: dict[str, Estimate] = Field(default_factory=dict)
    reason: str | None = None


class FlagRecord(Record):
    """How often nodules are flagged as outside the training range, and what leaving them out changes.

    Args:
        flagged: nodules, labelled or not.
        nodules: of how many.
        reasons: how often each is given; a nodule may have several.
        auc_all: of the network, all labelled nodules.
        auc_unflagged: of the network, without the flagged; None where too few remain.
    """

    flagged: int
    nodules: int
    reasons: dict[str, int]
    auc_all: Estimate
    auc_unflagged: Estimate | None


class CharacteristicRecord(Record):
    """A predicted characteristic against the readers' mean rating, over all nodules that have both.

    Args:
        name: of the characteristic.
        scale: its lowest and highest rating.
        nodules: how many.
        patients: of how many.
        spearman: rank correlation; None where either side never changes.
        mean_absolute_error: in points of the scale.
        error_of_the_mean: mean absolute error of saying these nodules' mean rating for each of them.
    """

    name: str
    scale: tuple[int, int]
    nodules: int
    patients: int
    spearman: Estimate | None
    mean_absolute_error: Estimate
    error_of_the_mean: float


class HardCase(Record):
    """A nodule on which the network and the label differ most."""

    nodule_id: str
    label: int
    probability: float
    size_only: float
    diameter_mm: float
    ratings: tuple[int, ...] | None = None
    outside_training_range: tuple[str, ...] = ()


class PathologyTask(Record):
    """Patients told apart by the largest score of their nodules.

    Args:
        positive: whom the benign are told apart from.
        patients: how many.
        malignant: how many of the diagnosis.
        benign: how many without.
        auc: by score.
        network_minus: AUC of the network less each score's, paired.
        one_reader: AUC of one reader, drawn anew for each patient; None without ratings.
        minus_one_reader: AUC of each score less that of one reader, paired.
        reason: in words, where there are too few patients to tell.
    """

    positive: str
    patients: int
    malignant: int
    benign: int
    auc: dict[str, Estimate] = Field(default_factory=dict)
    network_minus: dict[str, Estimate] = Field(default_factory=dict)
    one_reader: Estimate | None = None
    minus_one_reader: dict[str, Estimate] = Field(default_factory=dict)
    reason: str | None = None


class PathologyRecord(Record):
    """The stress test against diagnoses (pathology or follow-up), patient by patient."""

    patients_unknown: int
    tasks: tuple[PathologyTask, ...]


class Histogram(Record):
    """How many nodules of each class score in each bin of the calibrated probability."""

    edges: tuple[float, ...]
    benign: tuple[int, ...]
    malignant: tuple[int, ...]


class Evaluation(Record):
    """Everything that an evaluation measured.

    Scores go by name: ``network`` (patch cut by the nodule's own box), ``network_diameter_box`` (by the box that centre
    and diameter imply), ``size_only``, ``diameter``, and the baselines. Curves hold only scores that every labelled
    nodule has, so that they can be read side by side.

    Args:
        context: of what, made how.
        counts: of all nodules.
        scores: AUC, average precision and paired differences.
        curves_roc: by score.
        curves_precision_recall: by score.
        calibration: of ``network`` and ``size_only``.
        operating_points: the thresholds that came with the scores.
        decision_curve: net benefit.
        at_prevalence: the decision curve and the thresholds at another prevalence, where one was asked for.
        histogram: of the network's probability.
        sizes: by diameter.
        size_matched_mm: from and to, both included.
        size_matched: the scores again, on the nodules of that size alone; empty where there are too few.
        subgroups: by scanner, slice thickness, sex and age.
        label_rules: with labels made from the readers' ratings by other rules.
        flags: nodules unlike those that were trained on.
        characteristics: what readers see, predicted.
        hardest: nodules on which network and label differ most.
        pathology: against diagnoses, where they were given.
    """

    schema_version: str = SCHEMA_VERSION
    context: Context
    counts: Counts
    scores: dict[str, ScoreRecord]
    curves_roc: dict[str, RocBand]
    curves_precision_recall: dict[str, PrecisionRecallBand]
    calibration: dict[str, CalibrationReport]
    operating_points: tuple[OperatingPointRecord, ...]
    decision_curve: DecisionCurve
    at_prevalence: AtPrevalence | None = None
    histogram: Histogram
    sizes: tuple[GroupRecord, ...]
    size_matched_mm: tuple[float, float]
    size_matched: dict[str, ScoreRecord]
    subgroups: tuple[GroupRecord, ...]
    label_rules: tuple[GroupRecord, ...]
    flags: FlagRecord
    characteristics: tuple[CharacteristicRecord, ...]
    hardest: tuple[HardCase, ...]
    pathology: PathologyRecord | None = None


def write_evaluation(evaluation: Evaluation, path: Path) -> Path:
    """Write metrics.json, whole or not at all, and return its path."""
    return write_text(path, evaluation.model_dump_json(indent=1) + "\n")


def read_evaluation(path: Path) -> Evaluation:
    """Return the evaluation of a metrics.json.

    Raises:
        UsageError: the file is missing, or holds something else.
    """
    return read_json_as(Evaluation, Path(path), "an evaluation")
