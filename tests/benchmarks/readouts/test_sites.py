"""Hospitals' readouts are solved on their own training nodules and averaged; test patients are told by all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.frozen.describe import Said
from benchmarks.frozen.study import Study
from benchmarks.places import BUNDLE
from benchmarks.readouts import sites
from nodulus.pipeline.data.data_list import DataList, DataListFile, write_data_list
from nodulus.pipeline.data.lidc import read_crops


def test_readouts_of_hospitals_that_agree_are_worth_what_one_of_all_is(
    tiny_crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = tuple(read_crops(tiny_crops, tmp_path))
    write_data_list(DataList(training=items), tmp_path / "everything.json")
    random = np.random.default_rng(0)
    values = random.normal(size=(20, 2, 2, 3))
    values[:, :, 0, 0] += 9 * np.array([item.label for item in items])[:, None]
    said = Said(tuple(item.nodule_id for item in items), values.astype(np.float16), (3,))
    study = Study({"plain": said}, DataListFile.read(tmp_path / "everything.json"), BUNDLE)
    own = {
        "one": DataList(training=items[:8], test=items[12:16]),
        "other": DataList(training=items[4:12], test=items[16:]),
    }
    asked: list[int] = []

    def instead(_crops: Path, _out: Path, third: int) -> dict[str, DataList]:
        asked.append(third)
        return own

    monkeypatch.setattr(sites, "hospitals", instead)
    found = sites.sites(study, tiny_crops, tmp_path, n_resamples=20)
    assert asked == [0, 1, 2]
    assert found["nodules"] == 3 * 8
    assert list(found["scores"]) == [sites.MEAN, sites.POOLED, "one alone", "other alone"]
    assert found["scores"][sites.POOLED]["less_pooled"] == [0.0, 0.0, 0.0]
    assert found["scores"][sites.MEAN]["auc"][0] > 0.9
