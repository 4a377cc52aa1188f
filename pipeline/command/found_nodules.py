"""What `--detector` asks for: the nodules of a scan, found by a detection bundle while a bar shows how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.pipeline.bundle.device import Device
from nodulus.transforms.problems import UsageError

if TYPE_CHECKING:
    from nodulus.pipeline.detection.found import Found
    from nodulus.transforms.volume import CTVolume


@dataclass(frozen=True)
class AskedDetector:
    """A detector as the options ask for it; it is loaded when a scan is there.

    Args:
        place: of its bundle.
        min_score: of the boxes that are taken; None takes the detector's default.
        max_nodules: how many are taken; None takes all.
        memory_gb: what its network may take.
        bf16: compute in bfloat16.
        device: where it runs.
        trust: do without the audit of its bundle.
        quiet: show no bar.
    """

    place: Path
    min_score: float | None = None
    max_nodules: int | None = None
    memory_gb: float | None = None
    bf16: bool = False
    device: Device = "auto"
    trust: bool = False
    quiet: bool = False

    def find(self, volume: CTVolume) -> Found:
        """Return what the detector finds in a scan.

        Raises:
            UsageError: there is no such bundle.
            InputRefusedError: ``untrusted_bundle``.
        """
        # Loaded late: a wrong path or a refused scan should not wait for torch.
        from nodulus.pipeline.detection.detector import MEMORY_GB, MIN_SCORE, Detector

        from .progress import show_progress

        memory_gb = MEMORY_GB if self.memory_gb is None else self.memory_gb
        detector = Detector(self.place, device=self.device, trust=self.trust, memory_gb=memory_gb, bf16=self.bf16)
        min_score = MIN_SCORE if self.min_score is None else self.min_score
        with show_progress(quiet=self.quiet) as tell:
            return detector.find(volume, min_score=min_score, max_nodules=self.max_nodules, tell=tell)


def asked_detector(
    place: Path | None,
    min_score: float | None,
    max_nodules: int | None,
    memory_gb: float | None,
    bf16: bool,
    device: Device,
    *,
    trust: bool,
    quiet: bool,
) -> AskedDetector | None:
    """Return the detector that `nodulus infer` is told of, or None.

    Raises:
        UsageError: an option of a detector stands without one.
    """
    if place is not None:
        return AskedDetector(place, min_score, max_nodules, memory_gb, bf16, device, trust, quiet)
    for option, value in (("--max-nodules", max_nodules), ("--memory", memory_gb), ("--bf16", bf16 or None)):
        if value is not None:
            raise UsageError(f"Expected --detector BUNDLE beside {option}: it says how a detector is run")
    return None
