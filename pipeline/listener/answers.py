"""The answers of a study in the spool, in the order in which they were made."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from nodulus.pipeline.writers.earlier_report import read_report

from .arrival import Kind
from .durable import flush, flush_below

ANSWER, REPORT, DELIVERED = "answer.json", "sr.dcm", "delivered"
_ANSWERS = "answers"


@dataclass(frozen=True)
class Answer:
    """An answer: its folder, which objects it was made of, and whether it has arrived."""

    folder: Path
    digest: str
    is_delivered: bool

    def files(self) -> list[Path]:
        """Return the objects to deliver: reports first, since they say what the pictures are of."""
        return sorted(self.folder.glob(f"*/{REPORT}")) + sorted(self.folder.glob("*/key_images/*.dcm"))


def digest_of(study: Path) -> str:
    """Return the hash of which objects a study has: their content never changes."""
    names = sorted(path.name for kind in Kind for path in study.glob(f"*/*{kind.value}"))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def last_answer(study: Path) -> Answer | None:
    """Return the last answer of a study, None where there is none."""
    if not (folders := _folders(study)):
        return None
    folder = folders[-1]
    digest = str(json.loads((folder / ANSWER).read_text(encoding="utf-8"))["digest"])
    return Answer(folder, digest, (folder / DELIVERED).exists())


def put_in_place(made: Path, study: Path) -> int:
    """Make what was made in the work folder the last answer of a study, and return its size in bytes.

    It is all on the disk before it has its name.
    """
    place = study / _ANSWERS
    place.mkdir(mode=0o700, exist_ok=True)
    flush_below(made)
    made.rename(place / f"{len(_folders(study)) + 1:06d}")
    flush(place)
    flush(study)
    return sum(path.stat().st_size for path in _folders(study)[-1].rglob("*") if path.is_file())


def note_delivered(answer: Answer) -> None:
    """Note that an answer has arrived."""
    path = answer.folder / DELIVERED
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    flush(path)
    flush(answer.folder)


def last_report(study: Path, name: str) -> Dataset | None:
    """Return the last report whose folder has a name, which may end in ``*``; None where there is none."""
    for folder in reversed(_folders(study)):
        if paths := sorted(folder.glob(f"{name}/{REPORT}")):
            return read_report(paths[-1])
    return None


def _folders(study: Path) -> list[Path]:
    return sorted((study / _ANSWERS).iterdir()) if (study / _ANSWERS).is_dir() else []
