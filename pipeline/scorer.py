"""Score nodules with a bundle: the model is loaded once, scans come and go."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from monai.bundle import ConfigParser

from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError

from .bundle_folder import INFERENCE_CONFIG, WEIGHTS, find_bundle, identify
from .case_record import failed_case, record_case
from .cases import Case, name_of
from .nodule_sources import Frame
from .nodules import Nodule, nodule_from_mapping
from .results import CaseResult
from .worklist import ReadOptions, case_of_table, open_case, problem_codes

logger = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda", "mps"]
NodulesLike = str | Path | Sequence[Nodule | Mapping[str, Any]]

# Patches of one forward pass: bounds the memory, and larger batches are no faster on a CPU.
BATCH_SIZE = 8


class Scorer:
    """A loaded bundle that scores nodules.

    ``configs/inference.json`` of the bundle is the only description of what happens between a scan and a score.

    Args:
        bundle_dir: the bundle's folder; None finds it (see ``find_bundle``).
        device: where the network runs; "auto" takes CUDA where there is one.
        allow: problem codes that the series gate may admit (see docs/series-gate.md).
        series_uid: which series to read where a place holds several.

    Raises:
        UsageError: when the bundle or the device is not there.
        InputRefusedError: ``untrusted_bundle``, when the weights are not the network's plain state dict, or the
            calibration is malformed or belongs to other weights.
    """

    def __init__(
        self,
        bundle_dir: str | Path | None = None,
        *,
        device: Device = "auto",
        allow: str | Collection[str] = (),
        series_uid: str | None = None,
    ) -> None:
        self.bundle_dir = find_bundle(bundle_dir)
        self.identity = identify(self.bundle_dir)
        self.device = find_device(device)
        self.how = ReadOptions(allow=problem_codes(allow), series_uid=series_uid)
        parser = ConfigParser()
        parser.read_config(str(self.bundle_dir / INFERENCE_CONFIG))
        parser.update({"bundle_root": str(self.bundle_dir), "device": self.device, "allow": list(self.how.allow)})
        self.preprocessing = parser.get_parsed_content("preprocessing")
        self._postprocessing = parser.get_parsed_content("postprocessing")
        self._inferer = parser.get_parsed_content("inferer")
        self.network: torch.nn.Module = parser.get_parsed_content("network").eval()
        load_weights(self.network, self.bundle_dir / WEIGHTS)

    def score(
        self,
        path: str | Path,
        nodules: NodulesLike,
        *,
        case_id: str | None = None,
        frame: Frame | None = None,
    ) -> CaseResult:
        """Return the scored nodules of one scan.

        Args:
            path: DICOM folder, zip of one, NIfTI, MHA/MHD or NRRD.
            nodules: a nodule table's path, or ``Nodule`` objects, or mappings with ``nodule_id``, ``center_lps_mm``,
                ``diameter_mm`` and optionally ``box_lps_mm``.
            case_id: names the case in the result; the path's name by default.
            frame: LPS or RAS, for a table that does not state its frame.

        Raises:
            UsageError: when a path does not exist or the nodules are malformed.
            InputRefusedError: when the series gate refuses the scan. A nodule that cannot be scored raises nothing: it
                carries its problem, and the others are scored.
        """
        how = replace(self.how, frame=frame)
        opened = open_case(_case(Path(path), nodules, case_id, how), how)
        if opened.problem is not None:
            raise InputRefusedError(opened.problem)
        return record_case(opened, self.predict(opened.items))

    def score_many(self, cases: Iterable[Case]) -> Iterator[CaseResult]:
        """Yield the result of each case as it is done; a refused or failed case is a result too and stops nothing."""
        for case in cases:
            try:
                opened = open_case(case, self.how)
                yield record_case(opened, self.predict(opened.items))
            except (InputRefusedError, UsageError) as refusal:
                yield failed_case(case, refusal)
            except Exception as error:
                logger.exception("case %s failed", case.case_id)
                yield failed_case(case, error)

    def patches(self, items: Sequence[Mapping[str, Any]]) -> torch.Tensor:
        """Return what the network sees of some work items: (n, 1, size, size, size), windowed to 0..1."""
        return _stack(self._prepare(items))

    def predict(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the predictions of some work items.

        Each holds ``nodule_id``, raw ``logits`` (10,), ``pred``, the calibrated probabilities (2,), and ``reading``,
        all else that was read out of the logits.
        """
        predictions = []
        for start in range(0, len(items), BATCH_SIZE):
            batch = self._prepare(items[start : start + BATCH_SIZE])
            with torch.no_grad():
                outputs = self._inferer(_stack(batch).to(self.device), self.network)
            for item, output in zip(batch, outputs, strict=True):
                read = self._postprocessing({**item, "pred": output})
                predictions.append({key: read[key] for key in ("nodule_id", "logits", "pred", "reading")})
        return predictions

    def _prepare(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        with _one_thread():
            return [self.preprocessing(dict(item)) for item in items]


def _stack(prepared: Sequence[Mapping[str, Any]]) -> torch.Tensor:
    # As plain tensors: a MetaTensor takes a third of the forward pass to carry its metadata from layer to layer.
    return torch.stack([torch.as_tensor(item["image"]).as_subclass(torch.Tensor) for item in prepared])


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: for 33^3 voxels two threads wait for each other longer than they work."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def _case(scan: Path, nodules: NodulesLike, case_id: str | None, how: ReadOptions) -> Case:
    if isinstance(nodules, str | Path):
        return case_of_table(scan, Path(nodules), how, case_id)
    if how.frame is not None:
        msg = f"Expected no frame beside nodules that state theirs (center_lps_mm), got {how.frame}"
        raise UsageError(msg)
    if isinstance(nodules, Mapping):
        msg = "Expected a list of nodules, got one mapping: put it into a list"
        raise UsageError(msg)
    found = [nodule if isinstance(nodule, Nodule) else nodule_from_mapping(nodule) for nodule in nodules]
    return Case(case_id or name_of(scan), scan, tuple(found))


def find_device(name: Device) -> torch.device:
    """Return a device of this machine; "auto" takes CUDA where there is one.

    Raises:
        UsageError: when it is not there.
    """
    is_there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if is_there["cuda"] else "cpu")
    if not is_there.get(name, False):
        here = ", ".join(device for device, found in is_there.items() if found)
        msg = f"Expected a device of this machine ({here}), got '{name}'"
        raise UsageError(msg)
    return torch.device(name)


def load_weights(network: torch.nn.Module, path: Path) -> None:
    """Load a network's weights from a plain state dict.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the file holds something else, or numbers that are not finite.
    """
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a foreign file fails in as many ways as there are files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise _untrusted(f"Expected the state dict of the bundle's network in {path.name}, got: {reason}") from error
    spoilt = next((name for name, values in network.state_dict().items() if not torch.isfinite(values).all()), None)
    if spoilt is not None:
        raise _untrusted(f"Expected finite weights in {path.name}, got NaN or infinity in {spoilt}")


def _untrusted(message: str) -> InputRefusedError:
    return InputRefusedError(Problem(ProblemCode.UNTRUSTED_BUNDLE, message))
