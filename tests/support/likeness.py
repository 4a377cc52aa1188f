"""A likeness whose verdict is known: it asks for little tissue around, and for nothing else."""

from __future__ import annotations

from nodulus.pipeline.readout.nodule_likeness import MEASURES, LikenessFit, NoduleLikeness, PatchShape

N_TERMS = len(MEASURES) * (len(MEASURES) + 3) // 2


def likeness_of(log_odds_min: float = -1.0, **by_measure: float) -> NoduleLikeness:
    """Return a likeness whose log odds are the sum of some measures, each times its number."""
    linear = [by_measure.get(name, 0.0) for name in MEASURES]
    return NoduleLikeness(
        measures=MEASURES,
        mean=(0.0,) * len(MEASURES),
        scale=(1.0,) * len(MEASURES),
        coefficients=(*linear, *[0.0] * (N_TERMS - len(MEASURES))),
        intercept=0.0,
        log_odds_min=log_odds_min,
        patch=PatchShape(patch_size=(65, 65, 33), patch_spacing_mm=(0.5, 0.5, 1.0), margin_mm=(5.0, 5.0, 0.0)),
        fitted_on=LikenessFit(data_hash="0" * 64, nodules=1, scans=("a",), places=1, flagged_max=0.02),
    )
