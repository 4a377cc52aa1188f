"""What there is to score: scans opened and gated, nodules placed in them, problems set aside by name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from nodulus.pipeline.readout.prior_shift import check_prevalence
from nodulus.pipeline.readout.readout import PREVALENCE
from nodulus.transforms.geometry import Frame
from nodulus.transforms.problems import InputRefusedError, UsageError, problem_codes

from .open_case import OpenCase, ReadOptions, open_case, open_scan


class Worklist:
    """The cases of one run of the bundle's inference config; scans are opened when they are first asked for.

    Args:
        image: DICOM folder, zip of one, NIfTI, MHA/MHD or NRRD. None makes an empty list, so that the config can be
            inspected without a scan.
        nodules: a nodule file of any kind that is read (see docs/how-to/nodule-tables.md).
        allow: problem codes that the series gate may admit.
        frame: LPS or RAS, the frame of a table that does not state its own.
        series_uid: which series to open where a place holds several.
        case: whose nodules to take out of a table of several cases; by default the scan's own name.
        min_score: leaves out what a detector was less sure of, 0 to 1.
        prevalence: share of malignant nodules where the scores are to be read; None leaves them as calibrated.
    """

    def __init__(
        self,
        image: str | None = None,
        nodules: str | None = None,
        allow: str | Collection[str] = (),
        frame: Frame | None = None,
        series_uid: str | None = None,
        min_score: float = 0.0,
        case: str | None = None,
        prevalence: float | None = None,
    ) -> None:
        self.prevalence = check_prevalence(prevalence)
        self.image, self.nodules = image, nodules
        self.how = ReadOptions(frame, problem_codes(allow), series_uid, min_score, case)
        self._opened: OpenCase | None = None

    @property
    def cases(self) -> tuple[OpenCase, ...]:
        """The opened cases; a refused scan is one of them."""
        if self.image is None or self.nodules is None:
            return ()
        if self._opened is None:
            self._opened = open_case(open_scan(Path(self.image), self.how), self.nodules, self.how)
        return (self._opened,)

    @property
    def items(self) -> list[dict[str, Any]]:
        """The nodules that can be scored, one dictionary each."""
        # A batch holds no None.
        asked = {} if self.prevalence is None else {PREVALENCE: self.prevalence}
        return [{**item, **asked} for case in self.cases for item in case.items]

    def check(self) -> None:
        """Raise what keeps the run from scoring anything.

        Raises:
            UsageError: when no scan or no nodules were named.
            InputRefusedError: when the scan, or every nodule in it, was refused.
        """
        if not self.cases:
            msg = "Expected a scan and a nodule file, got none: pass --image SCAN --nodules FILE"
            raise UsageError(msg)
        for case in self.cases:
            problems = [case.problem] if case.problem else list(case.nodule_problems.values())
            if problems and not case.items:
                raise InputRefusedError(problems[0])
