"""What makes two runs the same, so that one can go on where the other stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nodulus import __version__
from nodulus.pipeline.bundle.folder import CALIBRATION, TO_SCORE
from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.records import Record
from nodulus.transforms.scan.cache import file_stamp
from nodulus.transforms.scan.open import is_place

from .cases import Case
from .open_case import OpenCase
from .remote_scan import RemoteScan
from .shard import Shard

if TYPE_CHECKING:
    from .scorer import Scorer

# What users call the fields, in the message of a run that cannot be gone on with.
WORDS = {
    "journal": "form of the file",
    "software": "version of nodulus or of what runs the network",
    "engine": "--engine",
    "device": "device",
    "bundle_sha256": "bundle",
    "allow": "--allow",
    "series_uid": "--series",
    "measures": "--measures",
    "stability": "--stability",
    "explain": "--explain",
    "prevalence": "--prevalence",
    "calibration_sha256": "--calibration",
    "files": "files asked for",
    "digests": "--digests",
    "with_identifiers": "--with-identifiers",
    "cases_sha256": "cases, nodules or options that read them",
    "shard": "--shard",
}


class RunIdentity(Record):
    """All that decides what a run's results are, but for the scans' own files: those are looked at case by case.

    ``cases_sha256`` is that of the whole table, of a shard, too: what its parts have in common.
    """

    journal: Literal["2"] = "2"
    software: tuple[str, ...]
    engine: str = "torch"
    device: str
    bundle_sha256: str
    allow: tuple[str, ...]
    series_uid: str | None
    measures: bool = False
    stability: bool = False
    explain: bool = False
    prevalence: float | None = None
    calibration_sha256: str | None = None
    files: tuple[str, ...] = ()
    digests: bool = False
    with_identifiers: bool = False
    cases_sha256: str
    shard: Shard | None = None

    def differences(self, other: RunIdentity) -> list[str]:
        """Return what differs from another run, in words."""
        return [words for name, words in WORDS.items() if getattr(self, name) != getattr(other, name)]


def identify_run(
    scorer: Scorer,
    cases: Iterable[Case | OpenCase],
    files: Iterable[str] = (),
    *,
    with_identifiers: bool = False,
    shard: Shard | None = None,
) -> RunIdentity:
    """Return what makes a run over some cases with a loaded bundle this one and no other.

    Args:
        scorer: the loaded bundle.
        cases: all cases of the run.
        files: options that ask for files of each case.
        with_identifiers: whether they may say who the patient is.
        shard: which of the cases are scored, where not all are.
    """
    is_own = scorer.calibration == scorer.bundle_dir / CALIBRATION
    bundle = "".join(sha256_of(scorer.bundle_dir / name) for name in TO_SCORE)
    return RunIdentity(
        software=(f"nodulus {__version__}", *scorer.software),
        engine=scorer.engine,
        device=scorer.device,
        bundle_sha256=_sha256(bundle),
        allow=tuple(sorted(code.value for code in scorer.how.allow)),
        series_uid=scorer.how.series_uid,
        measures=scorer.measures,
        stability=scorer.stability,
        explain=scorer.explain,
        prevalence=scorer.prevalence,
        calibration_sha256=None if is_own else sha256_of(scorer.calibration),
        files=tuple(files),
        digests=scorer.digests,
        with_identifiers=with_identifiers,
        cases_sha256=_sha256("\n".join(map(_read_case, cases))),
        shard=shard,
    )


def scan_stamp(path: Path | RemoteScan) -> str:
    """Return a hash of the names, sizes and times of a scan's files; of a scan that is not there it is empty."""
    if isinstance(path, RemoteScan):
        return path.stamp()
    try:
        return _sha256(repr(file_stamp(path))) if is_place(path) else ""
    except OSError:
        return ""


def known_case(case: Case | OpenCase) -> Case:
    """Return a case, whether it is open or not."""
    return case.case if isinstance(case, OpenCase) else case


def _read_case(case: Case | OpenCase) -> str:
    """Return all that was read of a case as text; it need not be read back, and tells every digit and letter apart."""
    known = known_case(case)
    source = known.source
    told = None if source is None else (source.format, source.frame, source.frame_is, source.notes)
    return repr((known.case_id, str(known.input), known.nodules, told))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
