"""What a network said of labelled nodules: the one input of every evaluation, whoever made the scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.files import write_text
from nodulus.pipeline.readout.collect_outputs import Output


@dataclass(frozen=True)
class Prediction:
    """One nodule of a data list and what was said of it.

    Args:
        nodule_id: its name.
        patient_id: its patient; nodules of one patient are never independent.
        label: 0 benign, 1 malignant, None undecided.
        diameter_mm: its diameter.
        probability: calibrated, of malignancy; patch cut by the nodule's own box where the list has one.
        probability_diameter_box: the same, patch cut by the box that centre and diameter imply.
        size_only: calibrated probability of malignancy that the diameter alone gives.
        logits: raw outputs of the network, in the order of ``characteristics.OUTPUTS``.
        characteristics: predicted ratings by name, on the LIDC scales.
        outside_training_range: reasons in words; empty where the nodule is like those trained on.
        attributes: what the data list says of it besides: ``image``, ``ratings``, ``manufacturer``,
            ``slice_thickness_mm``, ``patient_sex``, ``patient_age``, ``center_lps_mm``, ``box_lps_mm``...
        baselines: scores of others for the same nodule, by name; any monotone scale.
    """

    nodule_id: str
    patient_id: str
    label: int | None
    diameter_mm: float
    probability: float
    probability_diameter_box: float
    size_only: float
    logits: tuple[float, ...] = ()
    characteristics: Mapping[str, float] = field(default_factory=dict)
    outside_training_range: tuple[str, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    baselines: Mapping[str, float] = field(default_factory=dict)


def write_predictions(predictions: Sequence[Prediction], path: Path) -> Path:
    """Write one row a nodule as CSV and return the path.

    Attributes stay behind, and so do patient ids: ``patient`` is a running number, which is all that it takes to draw
    patients anew; whoever has the data list finds the patient by the nodule.
    """
    number: dict[str, int] = {}
    rows = [_row(prediction, number.setdefault(prediction.patient_id, len(number) + 1)) for prediction in predictions]
    # Baselines may be known of some nodules only.
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return write_text(path, csv_text(columns, ([row.get(name, "") for name in columns] for row in rows)))


def labelled(predictions: Iterable[Prediction]) -> list[Prediction]:
    """Return the predictions of nodules that have a label."""
    return [prediction for prediction in predictions if prediction.label is not None]


def _row(prediction: Prediction, patient: int) -> dict[str, object]:
    row: dict[str, object] = {
        "nodule_id": prediction.nodule_id,
        "patient": patient,
        "label": "" if prediction.label is None else prediction.label,
        "diameter_mm": prediction.diameter_mm,
        "probability": prediction.probability,
        "probability_diameter_box": prediction.probability_diameter_box,
        "size_only": prediction.size_only,
        "outside_training_range": "; ".join(prediction.outside_training_range),
    }
    row |= {f"predicted_{name}": value for name, value in prediction.characteristics.items()}
    return row | dict(prediction.baselines)


def prediction_of(item: DataListItem, by_box: Mapping[str, Output], folder: Path) -> Prediction:
    """Return what was said of a nodule; where the list has no box of its own, both readouts are the diameter box's."""
    own, implied = by_box["own"], by_box["diameter"]
    if own.readout is None or implied.readout is None:
        msg = "Expected readouts by a calibration, got raw outputs alone: the config's postprocessing has none"
        raise ValueError(msg)
    attributes = item.model_dump(exclude={"nodule_id", "patient_id", "label", "diameter_mm"})
    return Prediction(
        nodule_id=item.nodule_id,
        patient_id=item.patient_id,
        label=item.label,
        diameter_mm=item.diameter_mm,
        probability=own.readout.malignant,
        probability_diameter_box=implied.readout.malignant,
        size_only=own.readout.size_only,
        logits=own.logits,
        characteristics=own.readout.characteristics,
        outside_training_range=tuple(reason.message for reason in own.readout.outside),
        attributes=attributes | {"image": str(folder / item.image)},
    )
