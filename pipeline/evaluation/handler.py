"""The handler that makes the evaluate config's run a report, or refuses it."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path

import ignite.distributed as idist
from ignite.engine import Engine, Events

from nodulus import __version__
from nodulus.pipeline.bundle.folder import METADATA, TRAINING_PATIENTS, VALIDATION_PATIENTS, check_bundle_root
from nodulus.pipeline.bundle.identity import calibration_of, read_metadata
from nodulus.pipeline.data.data_list import DataListFile, DataListItem, Split
from nodulus.pipeline.data.places import check_places
from nodulus.pipeline.data.training_patients import overlap, read_training_patients
from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.readout.collect_outputs import CollectOutputs
from nodulus.pipeline.readout.prior_shift import PrevalenceShift, check_prevalence
from nodulus.transforms.problems import UsageError, problem_codes

from .pathology_check import read_diagnoses
from .predictions import prediction_of
from .record import BundleUsed, Context, read_evaluation
from .report import METRICS, write_report
from .words import headline

logger = logging.getLogger(__name__)


class EvaluationReport(CollectOutputs):
    """Ignite handler that writes metrics.json, nodules.csv and report.html of what it collected.

    Of several processes the first one writes.

    Args:
        data_list: the list that the dataset was made from, its path or as it was read.
        split: its part.
        weights: the file that the network was loaded from; the hashes of its patients lie beside it.
        bundle_root: the bundle, which the report names.
        output_dir: where the files are written.
        calibration: that the outputs were read by.
        allow: problem codes that the series gate may admit.
        allow_overlap: admit patients that the weights were trained on.
        diagnosis: CSV of patients' diagnoses, for the check against pathology.
        prevalence: another share of malignant nodules to tell the decision curve for.
        n_resamples: bootstrap samples for the confidence intervals.
        seed: of the bootstrap.
    """

    def __init__(
        self,
        data_list: str | os.PathLike[str],
        split: Split,
        weights: str,
        bundle_root: str,
        output_dir: str,
        calibration: str,
        allow: Collection[str] = (),
        allow_overlap: bool = False,
        diagnosis: str | None = None,
        n_resamples: int = 2000,
        seed: int = 0,
        prevalence: float | None = None,
    ) -> None:
        super().__init__()
        self._data_list, self.split, self.weights = data_list, split, Path(weights)
        self.bundle, self.output_dir, self.calibration = Path(bundle_root), Path(output_dir), Path(calibration)
        self.allow = problem_codes(allow)
        self.allow_overlap, self.diagnosis = allow_overlap, None if diagnosis is None else Path(diagnosis)
        self.n_resamples, self.seed, self.prevalence = n_resamples, seed, check_prevalence(prevalence)

    def attach(self, engine: Engine) -> None:
        """Listen to an evaluator."""
        super().attach(engine)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def check(self) -> None:
        """Raise what forbids the evaluation.

        Raises:
            UsageError: ``bundle_root`` is no bundle, there are no weights, they were trained on some of the patients,
                and that was not allowed, or the file that would tell is missing.
            InputRefusedError: the calibration is malformed or belongs to other weights, an image cannot be read, or a
                nodule lies outside its image.
        """
        check_bundle_root(self.bundle, (METADATA,))
        if not self.weights.is_file():
            raise UsageError(f"Expected trained weights, found no file {self.weights}")
        calibration_of(self.weights, sha256_of(self.weights), self.calibration)
        read_training_patients(self.weights.parent / VALIDATION_PATIENTS.name)
        if self.diagnosis is not None:
            read_diagnoses(self.diagnosis)
        check_places(self._items, self.data_list.folder, self.allow)
        trained = self._patients_that_trained
        if trained and not self.allow_overlap:
            raise UsageError(
                f"Expected patients that the weights were not trained on, got {len(trained)} of "
                f"{_n_patients(self._items)} in the {self.split} split of {self.data_list} that they were trained on, "
                f"{trained[0]} for one (--allow-overlap evaluates all the same)"
            )

    @cached_property
    def data_list(self) -> DataListFile:
        """Return the list; it is read when it is first asked for."""
        return DataListFile.read(self._data_list)

    @property
    def _items(self) -> tuple[DataListItem, ...]:
        return self.data_list.items(self.split)

    @cached_property
    def _patients_that_trained(self) -> list[str]:
        return self._known_patients(self._items, TRAINING_PATIENTS)

    def _known_patients(self, items: Sequence[DataListItem], role: Path) -> list[str]:
        patients = (item.patient_id for item in items)
        return overlap(patients, read_training_patients(self.weights.parent / role.name))

    def _write(self, _: Engine) -> None:
        if idist.get_rank() > 0:
            return
        predictions = [prediction_of(item, self.outputs[item.nodule_id], self.data_list.folder) for item in self._items]
        written = write_report(predictions, self.output_dir, self._context(), diagnosis=self.diagnosis)
        logger.info("%s", headline(read_evaluation(written[METRICS])))
        for path in written.values():
            logger.info("wrote %s", path)

    def _context(self) -> Context:
        data_list, n_trained = self.data_list, len(self._patients_that_trained)
        calibration = read_calibration(self.calibration)
        scored = [item for item in self._items if item.label is not None]
        n_validated = len(self._known_patients(scored, VALIDATION_PATIENTS))
        return Context(
            title=f"{self.bundle.resolve().name} on the {self.split} split of {data_list.path.name}",
            data=str((data_list.data.model_extra or {}).get("name", data_list.path.name)),
            data_hash=data_list.data_hash,
            split=self.split,
            label=data_list.label_meaning,
            overlap=_overlap_sentence(n_trained, n_validated, _n_patients(self._items)),
            overlapping_patients=n_trained,
            caveat=_caveat(n_trained, _n_patients(self._items), n_validated, _n_patients(scored)),
            bundle=self._bundle_used(),
            operating_points=calibration.operating_points,
            prevalence=None
            if self.prevalence is None
            else PrevalenceShift(asked=self.prevalence, calibrated=calibration.fitted_on.prevalence),
            n_resamples=self.n_resamples,
            seed=self.seed,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            software=f"nodulus {__version__}",
        )

    def _bundle_used(self) -> BundleUsed:
        return BundleUsed(
            name=self.bundle.resolve().name,
            version=read_metadata(self.bundle).version,
            weights_sha256=sha256_of(self.weights),
        )


def _overlap_sentence(n_trained: int, n_validated: int, n_patients: int) -> str:
    parts = [f"{n_trained} of the {n_patients} patients trained the weights"]
    if n_validated:
        parts.append(f"{n_validated} chose the best epoch, the calibration and the thresholds: expect less on others")
    return "; ".join(parts) + "."


def _caveat(n_trained: int, n_patients: int, n_validated: int, n_scored: int) -> str | None:
    """Return why figures flatter the network, None where nothing does; only labelled nodules choose an epoch."""
    if n_trained:
        return f"{_share(n_trained, n_patients)} trained the weights: they say nothing of others"
    if n_validated:
        chosen = "the best epoch, the calibration and the thresholds"
        return f"{_share(n_validated, n_scored)} chose {chosen}: expect less on others"
    return None


def _share(n_some: int, n_all: int) -> str:
    return f"all {n_all} patients" if n_some == n_all else f"{n_some} of the {n_all} patients"


def _n_patients(items: Sequence[DataListItem]) -> int:
    return len({item.patient_id for item in items})
