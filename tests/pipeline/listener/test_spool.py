"""A spool outlives whoever works on it: what was acknowledged is there again, and what was not finished is gone."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import Dataset

from nodulus.pipeline.listener.answers import digest_of
from nodulus.pipeline.listener.settings import Limits
from nodulus.pipeline.listener.spool import Spool, Stored
from nodulus.transforms.problems import UsageError
from tests.support.small_studies import SmallStudy

LIMITS = Limits(free_bytes=0)


@contextmanager
def opened(folder: Path) -> Iterator[Spool]:
    spool = Spool(folder, LIMITS)
    try:
        yield spool
    finally:
        spool.close()


def content_of(one: Dataset) -> bytes:
    file = io.BytesIO()
    one.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_what_was_stored_is_there_at_the_next_start(tmp_path: Path, model_study: SmallStudy) -> None:
    with opened(tmp_path) as spool:
        stored = {spool.store(content_of(one)) for one in model_study.objects}
        (study,) = {each.study for each in stored}
        before = (spool.studies(), spool.used_bytes, digest_of(spool.place(study)))
    with opened(tmp_path) as spool:
        assert spool.studies() == before[0] == {study: len(model_study.objects)}
        assert digest_of(spool.place(study)) == before[2]
        assert spool.used_bytes - before[1] == pytest.approx(0, abs=100)  # the key and the lock
        assert spool.store(content_of(model_study.marks)) == Stored(study, is_new=False)


def test_an_object_that_was_whole_when_the_power_went_is_moved_to_its_study(
    tmp_path: Path, model_study: SmallStudy
) -> None:
    content = content_of(model_study.images[0])
    with opened(tmp_path) as spool:
        spool.store(content_of(model_study.images[1]))
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "incoming" / f"7-{digest}").write_bytes(content)
    (tmp_path / "incoming" / f"8-{digest}").write_bytes(content[:-1])
    (tmp_path / "incoming" / f"9-{hashlib.sha256(b'nothing').hexdigest()}").write_bytes(b"nothing")
    with opened(tmp_path) as spool:
        assert list(spool.studies().values()) == [2]
        assert list((tmp_path / "incoming").iterdir()) == []
        assert spool.used_bytes == sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


def test_an_answer_that_was_not_finished_is_gone_at_the_next_start(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        (spool.work_folder() / "half").mkdir()
        (spool.work_folder() / "half" / "sr.dcm").write_bytes(b"half")
    with opened(tmp_path) as spool:
        assert list(spool.work_folder().iterdir()) == []


def test_a_study_is_removed_unless_something_has_come(tmp_path: Path, model_study: SmallStudy) -> None:
    with opened(tmp_path) as spool:
        before = spool.used_bytes
        for one in model_study.images[:2]:
            study = spool.store(content_of(one)).study
        assert not spool.remove(study, 1)
        assert spool.remove(study, 2)
        assert (spool.studies(), spool.used_bytes, spool.place(study).exists()) == ({}, before, False)


def test_two_listeners_do_not_work_on_one_spool(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(UsageError, match=r"^Expected a spool that no other listener works on, got"):
        Spool(tmp_path, LIMITS)


def test_two_spools_have_other_names_for_the_same_study(tmp_path: Path, model_study: SmallStudy) -> None:
    names = set()
    for name in ("one", "two"):
        with opened(tmp_path / name) as spool:
            names.add(spool.store(content_of(model_study.marks)).study)
    assert len(names) == 2
