"""Which engine is taken: an export that is missing, stale or changed is not run, and that is said."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nodulus.pipeline.audit.export_manifest import EXPORTS
from nodulus.pipeline.command.main import run
from nodulus.pipeline.engines import sessions
from nodulus.pipeline.engines.engine import EngineError
from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.problems import UsageError


@pytest.fixture
def copy(small_exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_exported, tmp_path / small_exported.name)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def in_manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    return lambda bundle: edit(bundle / EXPORTS, change)


def in_config(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    return lambda bundle: edit(bundle / "configs/inference.json", change)


def flip_a_byte(name: str) -> Callable[[Path], None]:
    def change(bundle: Path) -> None:
        content = bytearray((bundle / name).read_bytes())
        content[len(content) // 2] ^= 1
        (bundle / name).write_bytes(content)

    return change


@dataclass(frozen=True)
class Broken:
    """What keeps onnx from running a bundle, and what is said of it; ``others`` run none the less."""

    change: Callable[[Path], object]
    says: str
    others: bool = False


BROKEN = {
    "no exports": Broken(lambda bundle: (bundle / EXPORTS).unlink(), "found no .*exports.json"),
    "no export of it": Broken(
        in_manifest(lambda it: it.update(exports=[one for one in it["exports"] if one["engine"] != "onnx"])),
        "an export for onnx, the bundle has none",
        others=True,
    ),
    "a file gone": Broken(lambda bundle: (bundle / "models/model.onnx").unlink(), "cannot be read", others=True),
    "a file changed": Broken(flip_a_byte("models/model.onnx"), "got a changed file", others=True),
    "other weights": Broken(in_manifest(lambda it: it.update(weights_sha256="0" * 64)), "stale"),
    "another network": Broken(in_config(lambda it: it["network_def"].update(conv1_t_stride=1)), "stale"),
    "a malformed list": Broken(lambda bundle: (bundle / EXPORTS).write_text("[]"), "got something else"),
    "a list of other files": Broken(
        in_manifest(lambda it: it["exports"][0].update(sha256={"../model.onnx": "0" * 64})), "got something else"
    ),
    "a further step": Broken(
        in_config(lambda it: it["preprocessing"]["transforms"].append({"_target_": "Identityd", "keys": "image"})),
        "understood without MONAI, got other than 4 steps of preprocessing",
    ),
    "a further argument": Broken(
        in_config(lambda it: it["preprocessing"]["transforms"][3].update(dtype=None)), "got the argument dtype of"
    ),
    "another inferer": Broken(
        in_config(lambda it: it.update(inferer={"_target_": "SlidingWindowInferer", "roi_size": [33, 33, 33]})),
        "'SlidingWindowInferer' instead of SimpleInferer",
    ),
    "an expression": Broken(in_config(lambda it: it.update(patch_size="$int(33)")), "got .*int"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_by_name_it_is_an_error_and_auto_takes_the_next_or_torch_and_says_why(name: str, copy: Path) -> None:
    broken = BROKEN[name]
    broken.change(copy)
    if name != "another network":  # whose weights are not loaded either
        automatic = Scorer(copy, engine="auto")
        assert automatic.engine == ("openvino" if broken.others else "torch")
        assert re.search(broken.says, automatic.engine_note)
    with pytest.raises(EngineError, match=broken.says) as error:
        Scorer(copy, engine="onnx")
    assert "\n" not in str(error.value)


def test_an_export_that_no_engine_can_load_is_said(copy: Path) -> None:
    path = copy / "models/model.onnx"
    path.write_bytes(b"\x08\x0a" + path.read_bytes()[:5000])

    def hash_anew(content: dict[str, Any]) -> None:
        (export,) = [one for one in content["exports"] if one["engine"] == "onnx"]
        export["sha256"]["models/model.onnx"] = sha256_of(path)

    edit(copy / EXPORTS, hash_anew)
    with pytest.raises(EngineError, match="onnxruntime cannot load the export: "):
        Scorer(copy, engine="onnx", trust=True)


def test_an_engine_that_is_not_installed_is_passed_over(small_exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = sessions.engine_version
    monkeypatch.setattr(sessions, "engine_version", lambda engine: None if engine == "onnx" else version(engine))
    scorer = Scorer(small_exported, engine="auto")
    assert scorer.engine == "openvino"
    assert "onnxruntime is not installed: pip install 'nodulus[onnx]'" in scorer.engine_note
    with pytest.raises(EngineError, match="not installed"):
        Scorer(small_exported, engine="onnx")


def test_an_export_runs_on_no_other_device_than_the_cpu(small_exported: Path) -> None:
    with pytest.raises(EngineError, match="Expected --device cpu for an exported network, got cuda"):
        Scorer(small_exported, engine="onnx", device="cuda")


@pytest.mark.parametrize(("has_exports", "engine"), [(True, "onnx"), (False, "torch")])
def test_where_nobody_asks_exports_are_taken_if_there_are_any(
    has_exports: bool, engine: str, small_exported: Path, small_bundle: Path
) -> None:
    scorer = Scorer(small_exported if has_exports else small_bundle, engine=None)
    assert (scorer.engine, scorer.engine_note) == (engine, "")


def test_what_torch_alone_has_is_asked_of_no_other_engine(small_exported: Path) -> None:
    with pytest.raises(UsageError, match=r"Expected a Scorer with engine='torch'.*, got onnx"):
        _ = Scorer(small_exported, engine="onnx").network


def test_the_command_notes_a_fallback_and_the_record_names_the_engine(
    copy: Path, study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (copy / EXPORTS).unlink()
    words = ["infer", str(study.dicom_folder), "--nodules", str(study.nodule_table), "--bundle", str(copy)]
    assert run([*words, "-o", str(tmp_path / "a"), "--engine", "auto"]) == 0
    assert "nodulus: engine torch: Expected exports of the bundle's network" in capfd.readouterr().err
    assert read_results(tmp_path / "a" / "results.json").engine == "torch"
    assert run([*words, "-o", str(tmp_path / "b")]) == 0
    assert "engine" not in capfd.readouterr().err
    assert run([*words, "-o", str(tmp_path / "c"), "--engine", "onnx"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "`nodulus bundle export` makes them" in line
