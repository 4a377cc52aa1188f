"""Which nodules of a source are of the scan at hand; those that name another scan are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodulus.transforms.problems import NodulusError, ProblemCode, UsageError, printable, refuse

from .nodule import Nodule
from .scan_names import is_named, is_uid

_N_LISTED = 3


@dataclass(frozen=True)
class Wanted:
    """The scan at hand.

    Args:
        case: that the user named.
        series_uid: the scan's series.
        names: what the scan may be called, the likeliest first.
        patient_id: reads what its headers call its patient; asked only where none of the names is told.
    """

    case: str | None = None
    series_uid: str | None = None
    names: tuple[str, ...] = ()
    patient_id: Callable[[], str | None] = lambda: None


def of_one_scan(nodules: Sequence[Nodule], wanted: Wanted, path: Path) -> tuple[list[Nodule], list[str]]:
    """Return the nodules of the scan at hand, and notes on those that do not say whose they are.

    A case that the user names decides; else the scan's series UID and the names of its file and folders.

    Raises:
        UsageError: the user named a case that the source does not tell of, or it holds several scans and none is named.
        InputRefusedError: ``frame_mismatch``, when the source names other scans, be it only one.
    """
    if wanted.case is not None:
        chosen, notes = _of_case(nodules, wanted.case, path)
    else:
        chosen, notes = _of_names(nodules, wanted, path)
    if wanted.series_uid is not None and not (wanted.case and is_uid(wanted.case)):
        chosen, said = _of_series(chosen, wanted.series_uid, path)
        notes += said
    scans = {(nodule.case_id, nodule.series_uid) for nodule in chosen}
    if len(scans) > 1:
        message = f"{path.name}: expected the nodules of one scan, got those of {len(scans)}: name one (--case NAME)"
        raise UsageError(message)
    return chosen, notes


def _of_case(nodules: Sequence[Nodule], case: str, path: Path) -> tuple[list[Nodule], list[str]]:
    """Return the nodules of the case that the user named: by its name, or as LUNA16 does by its series."""
    if not any(nodule.case_id or nodule.series_uid for nodule in nodules):
        raise UsageError(f"{path.name}: expected a column case to pick {case!r} from, got none: leave out --case")
    is_case = any(nodule.case_id and is_named(nodule.case_id, [case]) for nodule in nodules)
    key = _case_of if is_case or not any(nodule.series_uid == case for nodule in nodules) else _series_of
    chosen = [nodule for nodule in nodules if (stated := key(nodule)) and is_named(stated, [case])]
    if not chosen:
        known = _listed(nodules, _case_of) or _listed(nodules, _series_of)
        raise UsageError(f"{path.name}: expected nodules of case {case!r}, got those of {known}")
    return chosen, _silent(nodules, key)


def _of_names(nodules: Sequence[Nodule], wanted: Wanted, path: Path) -> tuple[list[Nodule], list[str]]:
    """Return the nodules of the case that is called as the scan; of one case alone all, where the scan has no name."""
    if wanted.series_uid and any(nodule.series_uid == wanted.series_uid for nodule in nodules):
        return list(nodules), []  # the UID tells, whatever the table calls its cases
    stated = {nodule.case_id for nodule in nodules if nodule.case_id}
    uids = {nodule.series_uid for nodule in nodules if nodule.series_uid}
    notes: list[str] = []
    if stated and (wanted.names or len(stated) > 1):
        name = next((name for name in _names(wanted) if any(is_named(one, [name]) for one in stated)), None)
        if name is None:
            raise _other(nodules, wanted, _case_of, path)
        notes = _silent(nodules, _case_of)
        nodules = [nodule for nodule in nodules if nodule.case_id and is_named(nodule.case_id, [name])]
    elif uids and wanted.series_uid is None and wanted.names and not stated:
        name = next((name for name in wanted.names if any(is_named(uid, [name]) for uid in uids)), None)
        if name is None:
            raise _other(nodules, wanted, _series_of, path)
        notes = _silent(nodules, _series_of)
        nodules = [nodule for nodule in nodules if nodule.series_uid and is_named(nodule.series_uid, [name])]
    return list(nodules), notes


def _names(wanted: Wanted) -> Iterator[str]:
    """Yield what a source may call the scan."""
    if wanted.series_uid:
        yield wanted.series_uid
    yield from wanted.names
    if patient_id := wanted.patient_id():
        yield patient_id


def _of_series(nodules: Sequence[Nodule], series_uid: str, path: Path) -> tuple[list[Nodule], list[str]]:
    """Return the nodules of a series, and a note on those that do not say whose they are where others do."""
    of_series = [nodule for nodule in nodules if nodule.series_uid in (None, series_uid)]
    chosen = of_series
    if any(nodule.series_uid for nodule in nodules):
        chosen = [one for one in of_series if one.series_uid or one.case_id or one.frame_of_reference_uid]
    if not chosen:
        got = f"got those of {_listed(nodules, _series_of)}"
        raise refuse(ProblemCode.FRAME_MISMATCH, f"Expected nodules of series {series_uid} in {path.name}, {got}")
    return chosen, _left_out(len(of_series) - len(chosen), len(nodules))


def _other(nodules: Sequence[Nodule], wanted: Wanted, key: Callable[[Nodule], str | None], path: Path) -> NodulusError:
    """Return the error to raise where a source names other scans: of several the user may have meant one."""
    listed, n_scans = _listed(nodules, key), len({key(nodule) for nodule in nodules} - {None, ""})
    is_told_by_uid = key is _series_of and bool(wanted.names) and is_uid(wanted.names[0])
    if n_scans > 1 and not is_told_by_uid:
        expected = f"expected nodules of {printable(wanted.names[0])}" if wanted.names else "expected those of one scan"
        return UsageError(f"{path.name}: {expected}, got those of {n_scans}: name one (--case NAME) of {listed}")
    way_out = "name one (--case NAME)" if n_scans > 1 else f"if they are of this scan, say so (--case {listed})"
    expected = f"Expected nodules of {printable(wanted.names[0])} in {path.name}"
    return refuse(ProblemCode.FRAME_MISMATCH, f"{expected}, got those of {listed}: {way_out}")


def _case_of(nodule: Nodule) -> str | None:
    return nodule.case_id


def _series_of(nodule: Nodule) -> str | None:
    return nodule.series_uid


def _silent(nodules: Sequence[Nodule], key: Callable[[Nodule], str | None]) -> list[str]:
    return _left_out(sum(not key(nodule) for nodule in nodules), len(nodules))


def _left_out(n_silent: int, n_nodules: int) -> list[str]:
    return [f"{n_silent} of {n_nodules} left out: they do not say whose they are"] if n_silent else []


def _listed(nodules: Sequence[Nodule], key: Callable[[Nodule], str | None]) -> str:
    names = list(dict.fromkeys(name for nodule in nodules if (name := key(nodule))))
    more = f" and {len(names) - _N_LISTED} more" if len(names) > _N_LISTED else ""
    return ", ".join(names[:_N_LISTED]) + more
