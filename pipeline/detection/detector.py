"""Find nodules with a detection bundle: the network is loaded once, scans come and go."""

from __future__ import annotations

from pathlib import Path

import torch
from monai.data import MetaTensor

from nodulus.pipeline.bundle.device import Device, find_device
from nodulus.pipeline.bundle.run import Tell, tell_nobody
from nodulus.pipeline.bundle.weights import load_weights
from nodulus.pipeline.bundle.workflow import make_parser
from nodulus.transforms.geometry import swap_lps_ras_points
from nodulus.transforms.patches.patient_axes import resample_to_patient_axes
from nodulus.transforms.problems import UsageError, refusal_in
from nodulus.transforms.volume import CTVolume

from .bundle import CONFIG, INTENSITY, SPACING, WEIGHTS, DetectionBundle, read_detection_bundle
from .found import Box, Found, found_in
from .torchvision_names import torchvision_or_stand_in
from .windows import WindowNetwork, fitting_window, n_windows, window_inferer

# From here on the detector calls a box more likely a nodule than not.
MIN_SCORE = 0.5
MEMORY_GB = 4.0


class Detector:
    """A loaded detection bundle.

    Args:
        place: the bundle's folder or zip, such as MONAI's ``lung_nodule_ct_detection``.
        device: where the network runs; "auto" takes CUDA where there is one.
        trust: do without the audit of what is used of the bundle.
        memory_gb: what the network may take; smaller windows of the scan are shown to it until it fits.
        bf16: compute in bfloat16, which recent CPUs and GPUs do several times as fast.

    Raises:
        UsageError: there is no such bundle or device, or it is no detection bundle.
        InputRefusedError: ``untrusted_bundle``, when what is used of it is not on the allow-list, or the weights are
            not the network's.
    """

    def __init__(
        self,
        place: str | Path,
        *,
        device: Device = "auto",
        trust: bool = False,
        memory_gb: float = MEMORY_GB,
        bf16: bool = False,
    ) -> None:
        bundle = read_detection_bundle(Path(place), trust=trust)
        self.name, self.device = str(bundle), find_device(device)
        self._frame, self._memory_gb, self._bf16 = bundle.frame, memory_gb, bf16
        try:
            with torchvision_or_stand_in():
                self._make(bundle)
        except Exception as error:
            if refusal_in(error) is not None:
                raise
            raise UsageError(_not_made(bundle, error)) from error
        load_weights(self.network, bundle.place / WEIGHTS, bundle.weights)
        if bf16:
            self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # not annotated

    def find(
        self,
        volume: CTVolume,
        *,
        min_score: float = MIN_SCORE,
        max_nodules: int | None = None,
        tell: Tell = tell_nobody,
    ) -> Found:
        """Return the nodules of a scan.

        Args:
            volume: the scan, as ``open_ct`` returns it.
            min_score: of the boxes that are taken, 0 to 1.
            max_nodules: how many are taken, the surest; None takes all.
            tell: is told how far it is.
        """
        return found_in(self._boxes(volume, tell), self.name, min_score, max_nodules)

    def _make(self, bundle: DetectionBundle) -> None:
        parser = make_parser(bundle.config, device=self.device)
        self._spacing_mm = tuple(map(float, parser.get_parsed_content(SPACING)))
        self._intensity = parser.get_parsed_content(INTENSITY)
        self._postprocessing = parser.get_parsed_content("postprocessing")
        self._detector = parser.get_parsed_content("detector").eval()
        parser.get_parsed_content("detector_ops")
        self.network: torch.nn.Module = self._detector.network
        self._window_inferer = self._detector.inferer
        if self._window_inferer is None:
            raise ValueError("no set_sliding_window_inferer among its detector_ops")

    def _boxes(self, volume: CTVolume, tell: Tell) -> list[Box]:
        tell("resampling", 0, 0)
        intensity_hu, affine_ras = resample_to_patient_axes(volume, self._spacing_mm)
        image = MetaTensor(torch.from_numpy(intensity_hu)[None], affine=torch.from_numpy(affine_ras))
        prepared = self._intensity({"image": image})["image"]
        found = self._detect(torch.as_tensor(prepared).as_subclass(torch.Tensor).float(), tell)
        boxes = self._postprocessing({**found, "image": prepared})
        keys = (self._detector.target_box_key, self._detector.pred_score_key)
        return _boxes_of(*(boxes[key] for key in keys), swap=self._frame == "RAS")

    def _detect(self, image: torch.Tensor, tell: Tell) -> dict[str, torch.Tensor]:
        size, detector, like = tuple(image.shape[1:]), self._detector, self._window_inferer
        window = fitting_window(like.roi_size, size, detector.size_divisible, self._memory_gb)
        padded = [-(-n // d) * d for n, d in zip(size, detector.size_divisible, strict=True)]
        of = n_windows(window, padded, like.overlap)
        tell("detecting, window", 0, of)
        detector.inferer = window_inferer(like, window, self.device)
        detector.network = WindowNetwork(self.network, tell, of, bf16=self._bf16)
        try:
            with torch.no_grad():
                (found,) = detector(image[None].to(self.device), use_inferer=of > 1)
        finally:
            detector.network = self.network
        return {key: value.cpu() for key, value in found.items()}


def _boxes_of(boxes: torch.Tensor, scores: torch.Tensor, *, swap: bool) -> list[Box]:
    """Return boxes (n, 6), centre and sizes in mm, with a score each; ``swap`` turns RAS to LPS."""
    numbers = torch.as_tensor(boxes).double().reshape(-1, 6).numpy()
    centers = swap_lps_ras_points(numbers[:, :3]) if swap else numbers[:, :3]
    rows = zip(centers.tolist(), numbers[:, 3:].tolist(), torch.as_tensor(scores).double().tolist(), strict=True)
    return [Box((x, y, z), (w, h, d), score) for (x, y, z), (w, h, d), score in rows]


def _not_made(bundle: DetectionBundle, error: Exception) -> str:
    first = str(error.__cause__ or error).splitlines()[:1]
    return f"Expected a detector made by {CONFIG} of {bundle.place}, got: {' '.join(first)}"
