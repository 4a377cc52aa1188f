"""What runs: scoring, training, evaluating, reporting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodulus.transforms.facade import lazy_names

if TYPE_CHECKING:
    from .bundle.one_line import end_in_one_line
    from .data.monai_items import load_data_list
    from .detection.detector import Detector
    from .evaluation.handler import EvaluationReport
    from .nodules.nodule import Nodule
    from .nodules.sources import read_nodules
    from .readout.read_outputs import ReadOutputsd
    from .readout.two_readouts import TwoReadouts
    from .results.record import CaseResult
    from .scoring.cases import Case
    from .scoring.results_handler import ResultsHandler
    from .scoring.scorer import Scorer
    from .scoring.worklist import Worklist
    from .training.begin import begin_network
    from .training.handlers import EpochLog, EpochSeed, KeepBest, ResumePoint, StateDeterminism, StopEarly
    from .training.loss import RatingsLoss
    from .training.middle import SolveMiddle
    from .training.processes import (
        AverageBuffers,
        EqualProcesses,
        batch_per_process,
        device_of_process,
        join_processes,
        spread_network,
    )
    from .training.start import parameter_groups, start_network

__all__ = [
    "AverageBuffers",
    "Case",
    "CaseResult",
    "Detector",
    "EpochLog",
    "EpochSeed",
    "EqualProcesses",
    "EvaluationReport",
    "KeepBest",
    "Nodule",
    "RatingsLoss",
    "ReadOutputsd",
    "ResultsHandler",
    "ResumePoint",
    "Scorer",
    "SolveMiddle",
    "StateDeterminism",
    "StopEarly",
    "TwoReadouts",
    "Worklist",
    "batch_per_process",
    "begin_network",
    "device_of_process",
    "end_in_one_line",
    "join_processes",
    "load_data_list",
    "parameter_groups",
    "read_nodules",
    "spread_network",
    "start_network",
]

_HOME_OF = {
    "AverageBuffers": ".training.processes",
    "Case": ".scoring.cases",
    "CaseResult": ".results.record",
    "Detector": ".detection.detector",
    "EpochLog": ".training.handlers",
    "EpochSeed": ".training.handlers",
    "EqualProcesses": ".training.processes",
    "EvaluationReport": ".evaluation.handler",
    "KeepBest": ".training.handlers",
    "Nodule": ".nodules.nodule",
    "RatingsLoss": ".training.loss",
    "ReadOutputsd": ".readout.read_outputs",
    "ResultsHandler": ".scoring.results_handler",
    "ResumePoint": ".training.handlers",
    "Scorer": ".scoring.scorer",
    "SolveMiddle": ".training.middle",
    "StateDeterminism": ".training.handlers",
    "StopEarly": ".training.handlers",
    "TwoReadouts": ".readout.two_readouts",
    "Worklist": ".scoring.worklist",
    "batch_per_process": ".training.processes",
    "begin_network": ".training.begin",
    "device_of_process": ".training.processes",
    "end_in_one_line": ".bundle.one_line",
    "join_processes": ".training.processes",
    "load_data_list": ".data.monai_items",
    "parameter_groups": ".training.start",
    "read_nodules": ".nodules.sources",
    "spread_network": ".training.processes",
    "start_network": ".training.start",
}
# Where the configs of bundles up to 0.2.0 look for them. ``reading`` also held what is nodulus.transforms' now.
_FORMER_MODULES = ("data_list", "ratings_loss", "reading", "results_handler", "training_handlers", "worklist")
_FORMER_NAMES = {"NoduleFactsd": "nodulus.transforms.patches.note_facts"}

__getattr__ = lazy_names(__name__, _HOME_OF | _FORMER_NAMES, _FORMER_MODULES)
