"""What is known of a scan's voxels: reading a chest CT truly, cutting nodule patches, augmenting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .facade import lazy_names

if TYPE_CHECKING:
    from .geometry import Grid
    from .patches.augment import RandNodulePatchd
    from .patches.dictionary import FillOutsideBoxd, LoadCTd, NodulePatchd, OpenCTd
    from .patches.note_facts import NoduleFactsd
    from .problems import InputRefusedError, NodulusError, Problem, ProblemCode, UsageError
    from .scan.open import open_ct
    from .volume import CTVolume

__all__ = [
    "CTVolume",
    "FillOutsideBoxd",
    "Grid",
    "InputRefusedError",
    "LoadCTd",
    "NoduleFactsd",
    "NodulePatchd",
    "NodulusError",
    "OpenCTd",
    "Problem",
    "ProblemCode",
    "RandNodulePatchd",
    "UsageError",
    "open_ct",
]

_HOME_OF = {
    "CTVolume": ".volume",
    "FillOutsideBoxd": ".patches.dictionary",
    "Grid": ".geometry",
    "InputRefusedError": ".problems",
    "LoadCTd": ".patches.dictionary",
    "NoduleFactsd": ".patches.note_facts",
    "NodulePatchd": ".patches.dictionary",
    "NodulusError": ".problems",
    "OpenCTd": ".patches.dictionary",
    "Problem": ".problems",
    "ProblemCode": ".problems",
    "RandNodulePatchd": ".patches.augment",
    "UsageError": ".problems",
    "open_ct": ".scan.open",
}
# Where the configs of bundles up to 0.2.0 look for them.
_FORMER_MODULES = ("augment", "dictionary")

__getattr__ = lazy_names(__name__, _HOME_OF, _FORMER_MODULES)
