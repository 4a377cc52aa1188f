"""What means harm is refused, is written nowhere else, and leaves the listener at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.run_hostile import odd_names, run_hostile, store_hostile
from tests.support.small_studies import SmallStudy

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
N_STORED, N_SENT, N_UNITS = 300, 40, 40


def test_hostile_objects_are_refused_or_kept_under_our_names(model_study: SmallStudy, tmp_path: Path) -> None:
    ends = store_hostile(N_STORED, model_study, tmp_path / "spool")
    assert sum(ends.values()) == N_STORED
    assert set(ends) >= {"new", "no_uid", "damaged"}
    assert odd_names(tmp_path / "spool") == []
    assert [path.name for path in tmp_path.iterdir()] == ["spool"]


@pytest.mark.slow
def test_a_listener_outlives_hostile_senders_and_writes_nowhere_but_into_its_spool(
    model_study: SmallStudy, tmp_path: Path
) -> None:
    found = run_hostile(N_SENT, N_UNITS, model_study, tmp_path)
    expected = {"sound_refused": 0, "crashes": 0, "written_outside": [], "odd_names": []}
    assert {name: found[name] for name in expected} == expected
