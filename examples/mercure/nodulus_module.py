"""A processing module for mercure: scores the nodules that are marked in a study, and gives back report and pictures.

Usage: nodulus_module.py IN_DIR OUT_DIR. IN_DIR holds the study's files and mercure's ``task.json``, whose settings may
name the problems to admit: ``{"process": {"settings": {"allow": "thick_slices"}}}``. Use it in a rule for studies: a
series alone has no marks.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

MARKS = ("SEG", "SR", "RTSTRUCT")


def main(came: Path, goes: Path) -> int:
    """Score every series that an object marks nodules in, and return 1 where there is none."""
    series, marks = by_kind(came)
    n_scored = 0
    with tempfile.TemporaryDirectory() as name:
        for number, (uid, paths) in enumerate(sorted(series.items())):
            scan = Path(name) / f"{number}"
            scan.mkdir()
            for index, path in enumerate(paths):
                (scan / f"{index}.dcm").symlink_to(path.resolve())
            n_scored += any(score(scan, uid, mark, settings(came), goes, number) for mark in marks)
    return 0 if n_scored else 1


def by_kind(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the CT images of a folder by their series, and the objects that may mark nodules in them."""
    series: dict[str, list[Path]] = {}
    marks: list[Path] = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            header = dcmread(path, stop_before_pixels=True)
        except InvalidDicomError:  # task.json, and what else mercure leaves there
            continue
        if header.get("Modality") == "CT":
            series.setdefault(str(header.SeriesInstanceUID), []).append(path)
        elif header.get("Modality") in MARKS and header.get("Manufacturer") != "nodulus":
            marks.append(path)
    return series, marks


def score(scan: Path, series_uid: str, mark: Path, allow: str, goes: Path, number: int) -> bool:
    """Score the nodules that an object marks in a series; return whether it marks some there."""
    out = scan.with_name(f"{scan.name}-out")
    words = ["nodulus", "infer", str(scan), "--nodules", str(mark), "--series", series_uid, "-o", str(out), "-q"]
    done = subprocess.run([*words, "--sr", "--key-images", "--allow", allow], check=False)
    if done.returncode not in (0, 4):  # 4: some nodules were not scored, which the report says
        return False
    for path in (out / "sr.dcm", *sorted((out / "key_images").glob("*.dcm"))):
        shutil.copy(path, goes / f"{number}-{path.name}")  # mercure sends what lies in the folder itself
    return True


def settings(folder: Path) -> str:
    """Return the problem codes that mercure's rule admits."""
    task = folder / "task.json"
    told: dict[str, Any] = json.loads(task.read_text(encoding="utf-8")) if task.is_file() else {}
    return str(((told.get("process") or {}).get("settings") or {}).get("allow", ""))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
