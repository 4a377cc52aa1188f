"""Which patients took no part in any choice of settings?"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.transforms.problems import UsageError

# Variants of the training were compared on the validation patients of folds 0 to 2 of `nodulus prepare lidc` alone.
FOLDS, UNTOUCHED_FOLDS, SEED = 5, (3, 4), 0


@dataclass(frozen=True)
class Untouched:
    """Patients that no choice of settings was judged on; they may have trained the networks that were compared.

    Args:
        patients: their names.
        source: where they are from.
    """

    patients: frozenset[str]
    source: str

    @property
    def sha256(self) -> str:
        """Return the hash that names the set of patients."""
        return hashlib.sha256("\n".join(sorted(self.patients)).encode()).hexdigest()


def untouched_by_folds(crops: Path) -> Untouched:
    """Return the patients of the folds of ``nodulus prepare lidc`` that no experiment was validated on."""
    with tempfile.TemporaryDirectory() as folder:
        lists = [
            prepare_lidc(crops, Path(folder) / "list.json", folds=FOLDS, fold=k, seed=SEED) for k in UNTOUCHED_FOLDS
        ]
    folds = " and ".join(map(str, UNTOUCHED_FOLDS))
    return Untouched(
        frozenset(item.patient_id for data in lists for item in data.validation),
        f"validation patients of folds {folds} of {FOLDS} of `nodulus prepare lidc`, seed {SEED}, "
        f"as scikit-learn {version('scikit-learn')} divides them",
    )


def read_untouched(path: Path, known: Iterable[str]) -> Untouched:
    """Return the patients of a text file, one a line.

    Args:
        path: the file.
        known: the patients at hand.

    Raises:
        UsageError: it cannot be read, is empty, or names a patient that is not at hand.
    """
    try:
        names = frozenset(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Expected a text file of patients, one a line, got {path}: {error}") from error
    if not names:
        raise UsageError(f"Expected patients, one a line, got none in {path}")
    if strangers := sorted(names - set(known)):
        raise UsageError(f"Expected patients of the crops in {path}, got {strangers[0]}")
    return Untouched(names, f"the file {path.name}")
