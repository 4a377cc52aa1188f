"""The learning curve's arithmetic on scores whose answer is known, its hospitals, and one tiny run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.federated.views import Views
from benchmarks.finetune import page
from benchmarks.finetune.hospital import first_nodules, hospital
from benchmarks.finetune.page import curve, write_page
from benchmarks.finetune.study import AS_IS, Setting, last_stages, run_seed
from nodulus.transforms.problems import UsageError


def seed(margins: dict[str, list[float]]) -> dict[str, object]:
    labels = [0, 1, 0, 1]
    return {"patients": ["a", "b", "c", "d"], "nodules": list("1234"), "labels": labels, "margins": margins}


SEEDS = [
    seed({AS_IS: [0.0, 1.0, 2.0, 3.0], "fine-tuned, 50": [0.0, 3.0, 1.0, 2.0]}),
    seed({AS_IS: [0.0, 3.0, 1.0, 2.0], "fine-tuned, 50": [0.0, 3.0, 1.0, 2.0]}),
]


def test_an_arms_auc_is_the_mean_over_seeds_and_its_gain_is_paired() -> None:
    found = curve(SEEDS)
    assert found[AS_IS][0].value == pytest.approx((0.75 + 1.0) / 2)
    assert found[AS_IS][1] is None
    auc, gain = found["fine-tuned, 50"]
    assert auc.value == 1.0
    assert gain is not None
    assert gain.value == pytest.approx(0.125)
    assert gain.low >= 0.0


def test_the_page_shows_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"# Head\n\n{page.START}\n{page.END}\n")
    monkeypatch.setattr(page, "PAGE", path)
    record = {"hospital": "ge", "epochs": [2, 1], "tuning_rate": 3e-4, "freeze_until": "late", "network": "{}"}
    record |= {"bfloat16": True}
    write_page(record | {"seeds": SEEDS})
    text = path.read_text()
    assert "| fine-tuned, 50 | 1.000 [1.000, 1.000] | +0.125 [+0.000," in text
    assert "8 decided test nodules of 4 patients" in text
    assert "in bfloat16; frozen before `late`" in text


def test_the_record_on_the_page_is_the_record_on_the_disk() -> None:
    if not page.RECORD.is_file():
        assert "Not yet measured" in page.PAGE.read_text()
        return
    record = json.loads(page.RECORD.read_text())
    for arm, (auc, _) in curve(record["seeds"]).items():
        assert f"| {arm} | {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}] |" in page.PAGE.read_text()


def test_no_patient_of_the_hospital_pretrained_and_none_trains_and_tests(data_dir: Path, tmp_path: Path) -> None:
    found = hospital(data_dir / "lidc_nodules", tmp_path, "ge", 0)
    elsewhere, own, test = ({item.patient_id for item in part} for part in (found.elsewhere, found.own, found.test))
    assert not elsewhere & (own | test)
    assert not own & test
    few, more = first_nodules(found.own, 50), first_nodules(found.own, 200)
    assert more[:50] == few
    with pytest.raises(UsageError, match="Expected a hospital of 9999 nodules"):
        first_nodules(found.own, 9999)


@pytest.mark.slow
def test_a_tiny_run_gives_every_arm_a_score(bundle: Path, data_dir: Path, tmp_path: Path) -> None:
    from benchmarks.federated.views import draw_views
    from nodulus.pipeline.data.data_list import DataList, write_data_list

    (tmp_path / "seed0").mkdir()
    found = hospital(data_dir / "lidc_nodules", tmp_path / "seed0", "philips", 0)
    found = type(found)(found.elsewhere[:16], found.own[:16], found.test[:4])
    every = (*found.elsewhere, *found.own, *found.test)
    write_data_list(DataList(training=every), tmp_path / "seed0" / "everything.json")
    views: Views = draw_views(tmp_path / "seed0" / "everything.json", bundle, tmp_path / "views.pt")
    setting = Setting(bundle, views, (1, 1), 3e-4, last_stages(bundle))
    said = run_seed(found, [16], 0, tmp_path / "seed0", setting)
    n = sum(item.label is not None for item in found.test)
    assert set(said) == {AS_IS, "fine-tuned, 16", "last stages fine-tuned, 16", "trained anew, 16"}
    assert all(len(values) == n for values in said.values())
    assert said["fine-tuned, 16"] != said["last stages fine-tuned, 16"]
    assert run_seed(found, [16], 0, tmp_path / "seed0", setting) == said  # goes on from what is there
