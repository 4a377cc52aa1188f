"""Score nodules with a bundle: the model is loaded once, scans come and go."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodulus.pipeline.audit.gate import read_trusted
from nodulus.pipeline.bundle.device import Device
from nodulus.pipeline.bundle.folder import CALIBRATION, INFERENCE_CONFIG, find_bundle
from nodulus.pipeline.bundle.identity import identify, read_metadata
from nodulus.pipeline.engines.engine import TORCH, EngineChoice, EngineName
from nodulus.pipeline.engines.load import load_model
from nodulus.pipeline.readout.prior_shift import check_prevalence
from nodulus.pipeline.readout.readout import PREVALENCE
from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.stages import Stages
from nodulus.pipeline.scoring.scan_digest import scan_sha256
from nodulus.pipeline.writers.case_files import CaseFiles
from nodulus.transforms.geometry import Frame
from nodulus.transforms.problems import UsageError, printable, problem_codes, refusal_in
from nodulus.transforms.scan.cache import ScanCache

from .case_record import failed_case, record_case
from .cases import Case
from .explanation import check_explains
from .open_case import NodulesLike, OpenCase, OpenScan, ReadOptions, open_case, open_held_scan, open_scan, place_nodules
from .prediction import NodulePrediction, prediction_of
from .remote_scan import RemoteScan, on_disk

if TYPE_CHECKING:
    import torch

    from nodulus.pipeline.engines.torch_model import TorchModel
    from nodulus.transforms.images.held_image import HeldImage

logger = logging.getLogger(__name__)

# Patches of one forward pass: bounds the memory, and larger batches are no faster on a CPU.
BATCH_SIZE = 8


class Scorer:
    """A loaded bundle that scores nodules.

    ``configs/inference.json`` of the bundle is the only description of what happens between a scan and a score.
    ``scans`` holds the scans that were scored last: one whose files have not changed is not opened again. ``engine`` is
    what runs the network, and ``engine_note`` says why it is not the one that was hoped for, if it is not.

    Args:
        bundle_dir: the bundle's folder; None finds it (see ``find_bundle``).
        device: where the network runs; "auto" takes CUDA where there is one.
        allow: problem codes that the series gate may admit (see docs/reference/series-gate.md).
        series_uid: which series to open where a place holds several.
        digests: hash the files of each scan into its record, which reads all of them.
        stages: what it adds the time of its work to, by default its own ``stages``.
        trust: do without the bundle's audit (see docs/how-to/audit-and-pack.md): what its config says is run.
        measures: outline each nodule and record its volume, axes and density (docs/explanation/measures.md); takes
            longer than the score.
        stability: score each nodule again under small changes, and record how far its score moves
            (docs/how-to/how-steady-is-a-score.md); takes several times as long.
        explain: record each score as a sum over characteristics and size, too.
        prevalence: share of malignant nodules where the scores are to be read; None leaves them as calibrated
            (see docs/how-to/your-own-patients.md). Every result says so.
        calibration: another one than the bundle's own, made at another place by `nodulus calibrate`.
        engine: what runs the network: torch, or an export that ``nodulus bundle export`` made; "auto" takes an export
            that can run and torch where none can, None does so where the bundle has exports (docs/how-to/engines.md).

    Raises:
        UsageError: when the bundle or the device is not there, its calibration holds no sum to explain by, the
            prevalence is no share, the bundle's config takes no other calibration, or the engine that was named cannot
            run it.
        InputRefusedError: ``untrusted_bundle``, when the audit refuses a part of the bundle, the weights are not the
            network's plain state dict, or the calibration is malformed or belongs to other weights.
    """

    def __init__(
        self,
        bundle_dir: str | Path | None = None,
        *,
        device: Device = "auto",
        allow: str | Collection[str] = (),
        series_uid: str | None = None,
        digests: bool = False,
        stages: Stages | None = None,
        trust: bool = False,
        measures: bool = False,
        stability: bool = False,
        explain: bool = False,
        prevalence: float | None = None,
        calibration: str | Path | None = None,
        engine: EngineChoice | None = TORCH,
    ) -> None:
        self.digests, self.stages = digests, stages or Stages()
        self.bundle_dir = find_bundle(bundle_dir)
        read_metadata(self.bundle_dir)  # first: of another program's bundle that is what there is to say
        config = read_trusted(self.bundle_dir, INFERENCE_CONFIG, trust=trust)
        self.prevalence = check_prevalence(prevalence)
        self.calibration = self.bundle_dir / CALIBRATION if calibration is None else Path(calibration)
        if calibration is not None:
            if "calibration" not in config:
                takes = "Expected a config that can take another calibration (`calibration`), got none"
                raise UsageError(f"{takes} in {self.bundle_dir}")
            config = {**config, "calibration": str(self.calibration)}
        self.identity = identify(self.bundle_dir, self.prevalence, self.calibration)
        self.how = ReadOptions(allow=problem_codes(allow), series_uid=series_uid)
        self.measures, self.stability = measures, stability
        self.explain = explain
        if explain:
            check_explains(self.calibration)
        self.scans = ScanCache()
        self._model, self.engine_note = load_model(
            self.bundle_dir,
            config,
            self.identity.weights_sha256,
            engine=engine,
            device=device,
            allow=self.how.allow,
        )
        self.engine: EngineName = self._model.engine
        self.device, self.software = self._model.device, self._model.software

    @property
    def network(self) -> torch.nn.Module:
        """The network, as torch runs it."""
        return self._by_torch().network

    @property
    def preprocessing(self) -> Any:  # noqa: ANN401 - MONAI's
        """What the config does before the network, as MONAI made it."""
        return self._by_torch().preprocessing

    def score(
        self,
        path: str | Path | HeldImage,
        nodules: NodulesLike,
        *,
        case_id: str | None = None,
        frame: Frame | None = None,
    ) -> CaseResult:
        """Return the scored nodules of one scan.

        Args:
            path: DICOM folder, zip of one, NIfTI, MHA/MHD or NRRD; or a SimpleITK or nibabel image of Hounsfield
                units, which must keep the rules that its file would have to.
            nodules: the path of a nodule file (a table, JSON, markups, a label mask, SR, SEG, RTSTRUCT), or ``Nodule``
                objects, or mappings with ``nodule_id``, ``center_lps_mm``, ``diameter_mm`` and optionally
                ``box_lps_mm``.
            case_id: names the case in the result; the path's name by default.
            frame: LPS or RAS, for a table that does not state its frame.

        Raises:
            UsageError: when a path does not exist or the nodules are malformed.
            InputRefusedError: when the series gate refuses the scan. A nodule that cannot be scored raises nothing: it
                carries its problem, and the others are scored.
        """
        how = replace(self.how, frame=frame)
        with self.stages.time("open"):
            scan = self._open_scan(path, how)
            opened = open_case(scan, nodules, how, case_id)
            opened.accepted()
        return self._score(opened, scan.path)

    def score_many(self, cases: Iterable[Case | OpenCase], files: CaseFiles | None = None) -> Iterator[CaseResult]:
        """Yield the result of each case as it is done; a refused or failed case is a result too and stops nothing.

        Args:
            cases: one that is open already is not opened again.
            files: written of each case while its scan is open.

        Raises:
            UsageError: a file cannot be written.
        """
        for case in cases:
            with ExitStack() as fetched:
                result = self._score_one(case, files, fetched)
            yield result

    def open(self, case: Case, path: Path | None = None) -> OpenCase:
        """Return a case with its scan opened and its nodules placed; a refusal is returned, not raised.

        Args:
            case: the case.
            path: of a copy of its scan, which will be gone and is not kept open.

        Raises:
            UsageError: when the path does not exist.
        """
        with self.stages.time("open"):
            is_copy = path is not None and path != case.input
            return place_nodules(
                case, open_scan(path or Path(str(case.input)), self.how, None if is_copy else self.scans)
            )

    def patches(self, items: Sequence[Mapping[str, Any]]) -> torch.Tensor:
        """Return what the network sees of some work items: (n, 1, size, size, size), windowed to 0..1."""
        return self._by_torch().patches(items)

    def predict(self, items: Sequence[Mapping[str, Any]]) -> list[NodulePrediction]:
        """Return what the bundle says of some work items, in their order."""
        predictions = []
        for start in range(0, len(items), BATCH_SIZE):
            batch = [{**item, PREVALENCE: self.prevalence} for item in items[start : start + BATCH_SIZE]]
            for item, said in zip(batch, self._model.score(batch), strict=True):
                predictions.append(prediction_of(item["nodule_id"], said))
        return predictions

    def _score_one(self, case: Case | OpenCase, files: CaseFiles | None, fetched: ExitStack) -> CaseResult:
        """Return the result of a case; a copy of its scan is there until ``fetched`` is closed."""
        known, volume = case.case if isinstance(case, OpenCase) else case, None
        try:
            with self.stages.time("fetch") if isinstance(known.input, RemoteScan) else nullcontext():
                path = fetched.enter_context(on_disk(known.input))
            opened = case if isinstance(case, OpenCase) else self.open(case, path)
            volume, result = opened.volume, self._score(opened, path)
        except Exception as error:
            if refusal_in(error) is None:
                logger.exception("case %s failed", printable(known.case_id))
            result = failed_case(known, error)
        if files is not None:
            with self.stages.time("write"):
                result = files.write(result, volume)
        return result

    def _open_scan(self, path: str | Path | HeldImage, how: ReadOptions) -> OpenScan:
        if isinstance(path, str | Path):
            return open_scan(Path(path), how, self.scans)
        return open_held_scan(path, how)

    def _score(self, opened: OpenCase, path: Path) -> CaseResult:
        with self.stages.time("score"):
            result = record_case(opened, self._predictions(opened.items), explain=self.explain, measures=self.measures)
        if not self.digests:
            return result
        with self.stages.time("hash"):
            return result.model_copy(update={"input_sha256": scan_sha256(path)})

    def _predictions(self, items: Sequence[Mapping[str, Any]]) -> list[NodulePrediction]:
        predictions = self.predict(items)
        if not self.stability:
            return predictions
        from .stability import stability_of  # loaded late, as scipy comes with it

        pairs = zip(items, predictions, strict=True)
        return [replace(each, stability=stability_of(item, each.malignant, self.predict)) for item, each in pairs]

    def _by_torch(self) -> TorchModel:
        from nodulus.pipeline.engines.torch_model import TorchModel

        if not isinstance(self._model, TorchModel):
            raise UsageError(f"Expected a Scorer with engine='torch', which alone has this, got {self.engine}")
        return self._model
