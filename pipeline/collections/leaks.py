"""Whether two patients of a collection share a scan: one of the two is named wrong, and no split would be safe."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

from nodulus.pipeline.data.patient_ids import patient_key
from nodulus.transforms.problems import UsageError
from nodulus.transforms.volume import CTVolume

from .found import FoundNodule


class ScanOwners:
    """Whose each scan is: by its place, its series, and its voxels, so that a copy under another name is known too."""

    def __init__(self) -> None:
        self._owner: dict[tuple[str, str], FoundNodule] = {}

    def check_places(self, nodules: Iterable[FoundNodule]) -> None:
        """Refuse a place or a series that two patients share; nothing is opened.

        Raises:
            UsageError: two patients share one.
        """
        for nodule in nodules:
            uid = nodule.series_uid or ""
            self._claim(nodule, "the scan", f"{os.path.realpath(nodule.scan)} {uid}".strip())
            if uid:
                self._claim(nodule, "the series", uid)

    def check_voxels(self, nodule: FoundNodule, volume: CTVolume) -> None:
        """Refuse a scan whose voxels are another patient's.

        Raises:
            UsageError: two patients share them.
            InputRefusedError: its middle slice cannot be read.
        """
        middle = volume.grid.size_xyz[2] // 2
        voxels = volume.read_slab(middle, middle + 1)
        # Noise makes a slice of a scan unlike that of any other; a few phantoms of one value are alike.
        if voxels.min() < voxels.max():
            self._claim(nodule, "the voxels of", hashlib.sha256(voxels.tobytes()).hexdigest(), nodule.scan.name)

    def _claim(self, nodule: FoundNodule, what: str, key: str, shown: str = "") -> None:
        first = self._owner.setdefault((what, key), nodule)
        if patient_key(first.patient_id) != patient_key(nodule.patient_id):
            two = " and ".join(f"{one.patient_id} (nodule {one.nodule_id})" for one in (first, nodule))
            raise UsageError(f"Expected each scan of one patient, got {what} {shown or key} of {two}")
