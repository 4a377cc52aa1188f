"""Every line of the page on MONAI's commands runs, from anywhere, and gives what the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from threading import Thread

import monai.bundle.__main__ as monai_command
import pytest
import torch

from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.scorer import Scorer
from tests.support import monai_lines
from tests.support.pages import ROOT
from tests.support.tiny_training import write_tiny_list

PAGE = ROOT / "docs" / "how-to" / "monai-bundle.md"
SCHEMA = ROOT / "tests" / "bundles" / "metadata_schema.json"
_ROW = re.compile(r"^\| `(\w+)`.*? \| `([^`]+)` \| `([^`]+)`", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """A line of the page, and the first thing that it says comes back: a file, or a printed text."""

    name: str
    line: str
    gives: str


@dataclass(frozen=True)
class Ran:
    """Where the lines of the page were run, and what each printed."""

    folder: Path
    printed: list[str]


def rows() -> list[Row]:
    return [Row(*found.groups()) for found in _ROW.finditer(PAGE.read_text())]


@pytest.fixture(scope="module")
def zipped(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a zip with the bundle's folder on top."""
    return Path(shutil.make_archive(str(tmp_path_factory.mktemp("zip") / "b"), "zip", bundle.parent, bundle.name))


@pytest.fixture(scope="module")
def zip_url(zipped: Path) -> Iterator[str]:
    """Yield where a web server has the zip."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(zipped.parent))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{zipped.name}"
        server.shutdown()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module", params=["a foreign folder", "the unpacked zip", "python -I"])
def ran(
    request: pytest.FixtureRequest,
    bundle: Path,
    study: DemoStudy,
    zipped: Path,
    zip_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Ran:
    """Return what the lines of the page do in a folder, in one process."""
    folder = tmp_path_factory.mktemp("folder")
    values = {"BUNDLE": str(bundle), "SCAN": str(study.dicom_folder), "TABLE": str(study.nodule_table)}
    values |= {
        "SCHEMA": str(SCHEMA),
        "ZIP_URL": zip_url,
        "LIST": str(write_tiny_list(tmp_path_factory.mktemp("crops"))),
    }
    if request.param == "the unpacked zip":
        shutil.unpack_archive(zipped, folder)
        folder, values["BUNDLE"] = folder / bundle.name, "."
    lines = tmp_path_factory.mktemp("lines") / "lines.json"
    lines.write_text(json.dumps([Template(row.line).substitute(values) for row in rows()]))
    isolated = ["-I"] if request.param == "python -I" else []
    command = [sys.executable, "-u", *isolated, monai_lines.__file__, str(lines)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # for networks this small, more wait for each other
    done = subprocess.run(
        command, cwd=folder, env=one_thread, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return Ran(folder, done.stdout.split(monai_lines.MARK)[1:])


@pytest.mark.slow
def test_every_line_gives_what_the_page_says(ran: Ran) -> None:
    for row, printed in zip(rows(), ran.printed, strict=True):
        after_the_line = printed.partition("\n")[2]
        assert (ran.folder / row.gives).is_file() or row.gives in after_the_line, f"{row.line}\n{printed}"


@pytest.mark.slow
def test_every_run_scores_as_the_python_door_does_and_says_so(ran: Ran, bundle: Path, study: DemoStudy) -> None:
    expected = Scorer(bundle, device="cpu").score(study.dicom_folder, study.nodule_table)
    for run in ("scores", "named", "workflow"):
        (case,) = read_results(ran.folder / "out" / run / "results.json").cases
        for here, there in zip(case.nodules, expected.nodules, strict=True):
            assert here.probabilities is not None
            assert there.probabilities is not None
            assert here.probabilities.malignant == pytest.approx(there.probabilities.malignant, abs=1e-6)
            said = f"nodule {here.nodule_id}: malignant {here.probabilities.malignant:.3f}"
            assert said in ran.printed[0]
    assert "wrote out/scores/results.json" in ran.printed[0]
    printed_by = {row.gives: printed for row, printed in zip(rows(), ran.printed, strict=True)}
    report = printed_by["out/report/report.html"]
    assert re.search(r"AUC [01]\.\d{3} .*of the diameter alone", report)
    assert "wrote out/report/report.html" in report
    assert re.search(r"Best so far, .*wrote out/run/model.pt", printed_by["out/run/model.pt"])


@pytest.mark.slow
def test_exports_and_copies_hold_the_weights(ran: Ran, bundle: Path) -> None:
    weights = torch.load(bundle / "models" / "model.pt", weights_only=True)
    for name in ("new", "zoo/lung_nodule_ct_classification"):
        copied = torch.load(ran.folder / "out" / name / "models" / "model.pt", weights_only=True)
        assert all(torch.equal(value, copied[key]) for key, value in weights.items())
    patch = torch.rand(1, 1, 33, 33, 33, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = Scorer(bundle, device="cpu").network(patch)
        for name in ("script.ts", "trace.ts"):
            exported = torch.jit.load(str(ran.folder / "out" / name)).eval()
            torch.testing.assert_close(exported(patch), expected, atol=1e-5, rtol=0)


def test_every_command_of_monai_is_on_the_page() -> None:
    commands = {
        name
        for name, value in vars(monai_command).items()
        if getattr(value, "__module__", "") == "monai.bundle.scripts"
    }
    text = PAGE.read_text()
    assert len(commands) == 10
    run = {row.name for row in rows()}
    assert commands - run == {"trt_export", "download_large_files"}
    for name in (*commands, "get_bundle_info", "load", "create_workflow"):
        assert f"| `{name}`" in text


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_trt_export_asks_for_a_gpu(bundle: Path, tmp_path: Path) -> None:
    from monai.bundle import trt_export

    with pytest.raises(Exception, match="Cannot find any GPU devices"):
        trt_export(
            net_id="network_def",
            filepath=str(tmp_path / "model.ts"),
            ckpt_file=str(bundle / "models" / "model.pt"),
            meta_file=str(bundle / "configs" / "metadata.json"),
            config_file=str(bundle / "configs" / "inference.json"),
            precision="fp32",
        )
