"""An export is kept when it agrees with torch, and listed with what it was made of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nodulus.pipeline.audit.export_manifest import EXPORT_FILES, EXPORTS, parse_exports
from nodulus.pipeline.command.compared_patches import items_of_phantom
from nodulus.pipeline.command.main import run
from nodulus.pipeline.engines.export import ExportDiffersError, export_network
from nodulus.pipeline.engines.sessions import open_session
from nodulus.pipeline.files import sha256_of
from tests.support.engines import inference_config


def test_the_list_says_of_what_each_export_was_made_and_how_it_compares(exported: Path) -> None:
    manifest = parse_exports((exported / EXPORTS).read_bytes())
    assert manifest.weights_sha256 == sha256_of(exported / "models/model.pt")
    assert {export.engine for export in manifest.exports} == set(EXPORT_FILES)
    for export in manifest.exports:
        assert export.sha256 == {name: sha256_of(exported / name) for name in EXPORT_FILES[export.engine]}
        assert 0 <= export.probability_difference_max <= 1e-5
        assert export.n_patches > 0
        assert any(each.startswith("torch ") for each in export.made_with)


@pytest.mark.parametrize("off", [1.0, float("nan")])
def test_an_export_that_says_otherwise_is_not_kept(
    off: float, small_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(small_bundle, tmp_path / "bundle")
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}

    def wrong(engine, contents):  # type: ignore[no-untyped-def]  # as that which it stands for
        session = open_session(engine, contents)

        def run_wrong(patches: NDArray[np.float32]) -> NDArray[np.float32]:
            outputs = session(patches)
            outputs[:, 1] += off
            return outputs

        return run_wrong

    monkeypatch.setattr("nodulus.pipeline.engines.export.open_session", wrong)
    with pytest.raises(ExportDiffersError, match=r"within 1e-05, got a difference of .* from torchscript on 2 patches"):
        export_network(copy, inference_config(copy), ["torchscript"], items_of_phantom()[:2])
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def test_exports_for_other_engines_stay_while_the_network_does(small_exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(small_exported, tmp_path / "bundle")
    export_network(copy, inference_config(copy), ["torchscript"], items_of_phantom()[:2])
    assert len(parse_exports((copy / EXPORTS).read_bytes()).exports) == 3
    content = json.loads((copy / EXPORTS).read_text())
    (copy / EXPORTS).write_text(json.dumps(content | {"weights_sha256": "0" * 64}))
    export_network(copy, inference_config(copy), ["torchscript"], items_of_phantom()[:2])
    assert [one.engine for one in parse_exports((copy / EXPORTS).read_bytes()).exports] == ["torchscript"]


def test_nothing_in_an_export_tells_where_it_was_made(exported: Path) -> None:
    for names in EXPORT_FILES.values():
        for name in names:
            content = (exported / name).read_bytes()
            assert not any(word in content for word in (b"site-packages", str(exported.parent).encode(), b"/home/"))


def test_the_command_prints_the_differences_and_what_it_wrote(
    small_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(small_bundle, tmp_path / "bundle")
    assert run(["bundle", "export", "--bundle", str(copy), "--engines", "torchscript"]) == 0
    said = capfd.readouterr().out
    assert "torchscript: largest difference of a probability from torch's" in said
    assert "on 36 patches" in said
    assert f"wrote {copy / EXPORTS}" in said
    assert run(["bundle", "export", "--bundle", str(copy), "--engines", "tensorrt"]) == 2
    assert "Expected --engines out of onnx, openvino, torchscript, got 'tensorrt'" in capfd.readouterr().err
