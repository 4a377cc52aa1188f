"""Scores the validation nodules of changed crops and says how the AUC and the flags move."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.places import BUNDLE
from benchmarks.release.flag_rates import CROPS_ALLOW
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.pipeline.statistics.metrics import compare_scores
from nodulus.transforms.scan.open import open_ct

from .changes import CHANGES

Item = Mapping[str, Any]
AS_IT_IS = next(iter(CHANGES))


def measure(data: Path, patients: Mapping[str, str]) -> dict[str, Any]:
    """Return the record: each change's AUC on labelled validation nodules, paired with the plain one's, and its flags.

    Args:
        data: the list whose validation split is scored, each nodule by centre and diameter.
        patients: of each nodule of it, by name.
    """
    scorer = Scorer(BUNDLE, device="cpu", allow=CROPS_ALLOW)
    items = load_data_list(data, "validation", boxes="diameter", only_labelled=True)
    scores, flagged = {}, {}
    for name in CHANGES:
        scores[name], flagged[name] = scored(items, name, scorer)
    labels = [item["label"] for item in items]
    of = [patients[item["nodule_id"]] for item in items]
    found = compare_scores(labels, {name: each.tolist() for name, each in scores.items()}, of, baseline=AS_IT_IS)
    return {
        "weights_sha256": scorer.identity.weights_sha256,
        "nodules": len(items),
        "changes": {
            name: {
                "auc": asdict(found.auc[name]),
                "less_plain": None if name == AS_IT_IS else asdict(found.difference[name]),
                "flagged": float(np.mean(flagged[name])),
                "mean_shift": float(np.mean(scores[name] - scores[AS_IT_IS])),
            }
            for name in CHANGES
        },
    }


def scored(items: Sequence[Item], name: str, scorer: Scorer) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return each nodule's probability, and whether it is flagged, in crops that were changed in one way."""
    change = CHANGES[name]
    changed = []
    for item in items:
        volume = open_ct(item["image"], allow=scorer.how.allow, expect_lung=False)
        seed = zlib.crc32(f"{name} {item['nodule_id']}".encode())
        changed.append({**item, "image": volume if change is None else change(volume, np.random.default_rng(seed))})
    predicted = scorer.predict(changed)
    return np.array([each.malignant for each in predicted]), np.array(
        [bool(each.readout.outside) for each in predicted]
    )
