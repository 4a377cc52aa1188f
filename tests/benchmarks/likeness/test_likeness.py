"""Samples whose classes are known: what is fitted tells them apart, and nobody is judged by what saw him."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.likeness import measure as measuring
from benchmarks.likeness.__main__ import likeness
from benchmarks.likeness.fit import VIEWS, Fit, fit, limit
from benchmarks.likeness.measure import measure
from benchmarks.likeness.page import END, PAGE, START, write_page
from benchmarks.likeness.samples import Samples
from nodulus.pipeline.readout.nodule_likeness import MEASURES

SCANS = ("a.zip", "b.zip", "c.nii.gz")


def samples(apart: float, seed: int = 0) -> Samples:
    """40 patients with two nodules each, and 60 places in each of three scans; one measure parts them."""
    random = np.random.default_rng(seed)
    patients = [f"p{k}" for k in range(40) for _ in range(2 * len(VIEWS))]
    places = [(scan, region) for scan in SCANS for region in ("vessels", "beside_lung") for _ in range(30)]
    n, n_places = len(patients), len(places)
    measures = random.normal(size=(n + n_places, len(MEASURES)))
    measures[:n, 3] += apart
    split = ["validation" if int(name[1:]) >= 30 else "training" for name in patients]
    return Samples(
        measures,
        np.arange(n + n_places) < n,
        np.asarray(patients + [scan for scan, _ in places]),
        np.asarray([*VIEWS] * (n // 2) + [region for _, region in places]),
        np.asarray(split + [scan for scan, _ in places]),
    )


def test_what_is_fitted_is_what_is_shipped() -> None:
    given = samples(3.0)
    shipped = likeness(given, "0" * 64)
    plain = fit(given.part(given.split != "validation"))
    coefficients = np.asarray(shipped.coefficients)
    as_shipped = Fit(np.asarray(shipped.mean), np.asarray(shipped.scale), coefficients, shipped.intercept)

    assert as_shipped.log_odds(given.measures) == pytest.approx(plain.log_odds(given.measures), abs=1e-3)
    assert (shipped.fitted_on.nodules, shipped.fitted_on.places) == (60, 180)
    validation = given.part(given.split == "validation")
    assert limit(plain, validation, 0.02) == pytest.approx(shipped.log_odds_min, abs=1e-3)


def test_the_limit_lets_no_more_than_a_part_pass_below() -> None:
    given = samples(1.0)
    fitted = fit(given)
    seen = fitted.log_odds(given.measures[given.is_nodule])
    for most in (0.0, 0.02, 0.1):
        below = (seen < limit(fitted, given, most)).mean()
        assert most - 1 / len(seen) <= below <= most


def test_shares_are_those_of_the_limit_and_of_what_is_told_apart() -> None:
    told = measure(samples(8.0), np.random.default_rng(0))["flagged_max"]["0.05"]
    untold = measure(samples(0.0), np.random.default_rng(0))["flagged_max"]["0.05"]

    assert told["places"]["vessels"]["value"] > 0.9
    assert untold["places"]["vessels"]["value"] < 0.3
    assert 0 < told["nodules"]["own box"]["value"] < 0.2


def test_no_patient_and_no_scan_is_judged_by_what_saw_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []

    given = samples(3.0)

    def spy(part: Samples) -> Fit:
        seen.append(set(part.group.tolist()))
        return fit(part)

    monkeypatch.setattr(measuring, "fit", spy)
    measure(given, np.random.default_rng(0))

    assert len(seen) == 15
    for groups in seen:
        assert len(groups & set(SCANS)) == 2
        assert len(groups - set(SCANS)) == 24  # three fifths of the patients


def test_the_page_shows_every_share(tmp_path: Path) -> None:
    page = tmp_path / "likeness.md"
    page.write_text(PAGE.read_text())
    write_page(measure(samples(8.0), np.random.default_rng(0)), page)

    text = page.read_text()
    assert "80 nodules of 40 patients." in text
    assert "| nodules, own box |" in text
    assert "| vessels, 90 places | " in text
    assert "| places | a.zip | b.zip | c.nii.gz |" in text
    assert text.index(START) < text.index("| beside_lung |") < text.index(END)
