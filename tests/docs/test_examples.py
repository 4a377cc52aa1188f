"""What the pages show is what the program gives."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    _check(shown, nodule)
    explained = Scorer(bundle, device="cpu", explain=True).score(study.dicom_folder, study.nodule_table)
    (sum_of_parts,) = [one.explanation for one in explained.nodules if one.nodule_id == shown["nodule_id"]]
    assert sum_of_parts is not None
    (text,) = re.findall(r'^```json\n("explanation": .*?)^```', page, re.MULTILINE | re.DOTALL)
    _check(json.loads(f"{{{text}}}"), {"explanation": sum_of_parts.model_dump(mode="json")})


def _check(shown: Mapping[str, Any], nodule: Mapping[str, Any]) -> None:
    for name, value in shown.items():
        if isinstance(value, dict) and any(isinstance(each, dict | float) for each in value.values()):
            _check(value, nodule[name])
        elif isinstance(value, float | list):
            assert nodule[name] == pytest.approx(value, abs=2e-3), name
        else:
            assert nodule[name] == value, name


def test_every_link_of_every_page_leads_to_a_file() -> None:
    for page in (*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(((?!https?:|#)[^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
