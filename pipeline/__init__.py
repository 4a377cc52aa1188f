"""What runs: scoring, training, evaluating, reporting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodulus.transforms.facade import lazy_names

if TYPE_CHECKING:
    from .bundle.one_line import end_in_one_line
    from .data.monai_items import load_data_list
    from .evaluation.handler import EvaluationReport
    from .nodules.nodule import Nodule
    from .nodules.sources import read_nodules
    from .readout.readout import ReadOutputsd
    from .results.record import CaseResult
    from .scoring.cases import Case
    from .scoring.results_handler import ResultsHandler
    from .scoring.scorer import Scorer
    from .scoring.worklist import Worklist
    from .training.handlers import EpochLog, EpochSeed, KeepBest, ResumePoint, StateDeterminism, StopEarly
    from .training.loss import RatingsLoss

__all__ = [
    "Case",
    "CaseResult",
    "EpochLog",
    "EpochSeed",
    "EvaluationReport",
    "KeepBest",
    "Nodule",
    "RatingsLoss",
    "ReadOutputsd",
    "ResultsHandler",
    "ResumePoint",
    "Scorer",
    "StateDeterminism",
    "StopEarly",
    "Worklist",
    "end_in_one_line",
    "load_data_list",
    "read_nodules",
]

_HOME_OF = {
    "Case": ".scoring.cases",
    "CaseResult": ".results.record",
    "EpochLog": ".training.handlers",
    "EpochSeed": ".training.handlers",
    "EvaluationReport": ".evaluation.handler",
    "KeepBest": ".training.handlers",
    "Nodule": ".nodules.nodule",
    "RatingsLoss": ".training.loss",
    "ReadOutputsd": ".readout.readout",
    "ResultsHandler": ".scoring.results_handler",
    "ResumePoint": ".training.handlers",
    "Scorer": ".scoring.scorer",
    "StateDeterminism": ".training.handlers",
    "StopEarly": ".training.handlers",
    "Worklist": ".scoring.worklist",
    "end_in_one_line": ".bundle.one_line",
    "load_data_list": ".data.monai_items",
    "read_nodules": ".nodules.sources",
}
# Where the configs of bundles up to 0.2.0 look for them. ``reading`` also held what is nodulus.transforms' now.
_FORMER_MODULES = ("data_list", "ratings_loss", "reading", "results_handler", "training_handlers", "worklist")
_FORMER_NAMES = {"NoduleFactsd": "nodulus.transforms.patches.note_facts"}

__getattr__ = lazy_names(__name__, _HOME_OF | _FORMER_NAMES, _FORMER_MODULES)
