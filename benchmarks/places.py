"""Where things lie: the checkout, its bundle and pages, and the real scans."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "bundles" / "lung_nodule_ct_classification"
DOCS = ROOT / "docs"
RECORDS = DOCS / "records"


def data_dir() -> Path:
    """Return where real scans are looked for: NODULUS_DATA, or a folder `shared/data` beside the checkout."""
    return Path(os.environ.get("NODULUS_DATA") or ROOT.parent / "shared" / "data")
