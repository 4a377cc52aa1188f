"""What the pages show is what the program gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nodulus.pipeline import Scorer
from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import write_demo_study
from tests.support.pages import PAGES, ROOT


def test_the_nodule_of_the_page_is_the_demos(bundle: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "explanation" / "the-score.md").read_text()
    shown = json.loads(re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0])
    study = write_demo_study(tmp_path, PhantomSpec())
    found = Scorer(bundle, device="cpu", measures=True).score(study.dicom_folder, study.nodule_table)
    (nodule,) = [one.model_dump(mode="json") for one in found.nodules if one.nodule_id == shown["nodule_id"]]
    assert shown.keys() == nodule.keys()
    for name, value in shown.items():
        if isinstance(value, dict | list) and value:
            assert nodule[name] == pytest.approx(value, abs=2e-3), name
        else:
            assert nodule[name] == value, name


def test_every_link_of_every_page_leads_to_a_file() -> None:
    for page in (*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(((?!https?:|#)[^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
