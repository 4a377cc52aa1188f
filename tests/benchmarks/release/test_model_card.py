"""The model card says what the records say, in words that follow from them."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from benchmarks.places import BUNDLE
from benchmarks.release.model_card import END, START, TEMPLATES, count_weights, draw, main, put_figures, render
from benchmarks.release.model_card_sources import FLAG_RATES, FOLDS, OUT_OF_FOLD, VALIDATION, Sources, read_sources
from benchmarks.release.model_card_words import compared, goals_in_words, weakest, worth_reading
from nodulus.pipeline.evaluation.metrics import evaluate_predictions
from nodulus.pipeline.evaluation.pathology_check import Diagnosis, check_pathology
from nodulus.pipeline.evaluation.record import CharacteristicRecord, write_evaluation
from nodulus.pipeline.pictures.plot_style import as_png
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.transforms.problems import UsageError
from tests.support.simulated_predictions import simulated_context, simulated_predictions

ROOT = Path(__file__).resolve().parents[3]
CARD, DETAILS = "model-card.md", "model-details.md"
OURS = ("network", "network_ensemble")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a copy of the shipped bundle without networks in its folds, with rates of flags of its weights."""
    copy = tmp_path / "bundle"
    shutil.copytree(BUNDLE, copy)
    (copy / OUT_OF_FOLD).unlink(missing_ok=True)
    folds = json.loads((copy / FOLDS).read_text())
    _strip_networks(folds)
    (copy / FOLDS).write_text(json.dumps(folds))
    facts = json.loads((copy / VALIDATION).read_text())["context"]["bundle"]
    limits = json.loads((copy / "models" / "calibration.json").read_text())["training_range"]
    groups = [_rate("validation nodules, own box", 0.01), _rate("lung", 0.97), _rate("beside_lung", 0.4321)]
    rates = {
        "command": "python -m benchmarks.release.flag_rates",
        "bundle": facts,
        "training_range": limits,
        "groups": groups,
    }
    (copy / FLAG_RATES).write_text(json.dumps(rates))
    return copy


@pytest.fixture
def bundle_with_networks(bundle: Path) -> Path:
    """Return the bundle with a network in each fold that is worth as much as gradient boosting, and its evaluation."""
    folds = json.loads((bundle / FOLDS).read_text())
    _add_network(folds)
    (bundle / FOLDS).write_text(json.dumps(folds))
    predictions = simulated_predictions(200)
    context = simulated_context(n_resamples=30)
    evaluation = evaluate_predictions(predictions, context)
    patients = sorted({one.patient_id for one in predictions})
    diagnoses = {name: Diagnosis.PRIMARY_CANCER if k % 2 else Diagnosis.BENIGN for k, name in enumerate(patients)}
    rep = next(repeat["rep"] for repeat in folds["repeats"] if repeat["folds"] == repeat["folds_at_hand"])
    nodules = sum(row["counts"]["nodules"] for row in folds["folds"] if row["rep"] == rep)
    changes = {
        "counts": evaluation.counts.model_copy(update={"nodules": nodules}),
        "pathology": check_pathology(predictions, diagnoses, context),
    }
    write_evaluation(evaluation.model_copy(update=changes), bundle / OUT_OF_FOLD)
    return bundle


def test_committed_pages_are_the_rendering_of_the_committed_records() -> None:
    pages = render(read_sources(BUNDLE), count_weights(BUNDLE))
    assert (ROOT / "docs" / CARD).read_text() == pages[CARD]
    assert (ROOT / "docs" / "records" / DETAILS).read_text() == pages[DETAILS]
    assert (BUNDLE / "docs" / "README.md").read_text() == pages["bundle-readme.md"]
    readme = (ROOT / "README.md").read_text()
    assert readme == put_figures(readme, pages["readme-figures.md"])


def test_a_readme_beside_the_docs_receives_the_figures_between_its_markers_alone(
    bundle_with_networks: Path, tmp_path: Path
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title\n\n{START}\nof last year\n{END}\n\n## Layout\n")
    assert main(["--bundle", str(bundle_with_networks), "--docs", str(tmp_path / "docs")]) == 0
    page = readme.read_text()
    assert page.startswith(f"# Title\n\n{START}\n\n| published patient folds")
    assert page.endswith(f"\n{END}\n\n## Layout\n")
    assert "of last year" not in page
    readme.write_text("# No markers\n")
    assert main(["--bundle", str(bundle_with_networks), "--docs", str(tmp_path / "docs")]) == 2


@pytest.mark.parametrize("name", [CARD, f"records/{DETAILS}"])
def test_every_link_of_the_card_leads_somewhere(name: str, bundle_with_networks: Path, tmp_path: Path) -> None:
    assert main(["--bundle", str(bundle_with_networks), "--docs", str(tmp_path / "docs")]) == 0
    targets = re.findall(r"\]\(((?!https:)[^)]+)\)", (tmp_path / "docs" / name).read_text())
    assert targets
    for target in targets:
        path, _, anchor = target.partition("#")
        folders = [(folder / "docs" / name).parent for folder in (tmp_path, ROOT)]
        to = path or Path(name).name
        page = next((folder / to for folder in folders if (folder / to).is_file()), None)
        assert page is not None, target
        assert not anchor or anchor in map(_anchor, re.findall(r"^#.*", page.read_text(), re.MULTILINE)), target


def test_templates_hold_no_measured_number() -> None:
    for template in TEMPLATES.glob("*.j2"):
        assert not re.findall(r"(?<![\d.])\d\.\d{2,}(?!\d*/)", template.read_text()), template.name


@pytest.mark.parametrize("missing", [FLAG_RATES, FOLDS, VALIDATION])
def test_missing_record_is_refused_in_one_line(
    missing: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / missing).unlink()
    before = (bundle / "docs" / "README.md").read_text()

    assert main(["--bundle", str(bundle), "--docs", str(tmp_path / "docs")]) == 2

    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("Expected")
    assert str(bundle / missing) in error
    assert not (tmp_path / "docs").exists()
    assert (bundle / "docs" / "README.md").read_text() == before


def test_networks_without_their_evaluation_are_refused(bundle_with_networks: Path) -> None:
    (bundle_with_networks / OUT_OF_FOLD).unlink()
    with pytest.raises(UsageError, match=r"Expected an evaluation, found no file .*out_of_fold\.json"):
        read_sources(bundle_with_networks)


def test_evaluation_of_other_nodules_is_refused(bundle_with_networks: Path) -> None:
    shutil.copyfile(bundle_with_networks / VALIDATION, bundle_with_networks / OUT_OF_FOLD)
    with pytest.raises(UsageError, match="nodules of the first full repeat"):
        read_sources(bundle_with_networks)


@pytest.mark.parametrize("other", [None, {"weights_sha256": "ab" * 32}])
def test_record_of_other_weights_is_refused(other: Mapping[str, str] | None, bundle: Path) -> None:
    rates = json.loads((bundle / FLAG_RATES).read_text())
    (bundle / FLAG_RATES).write_text(json.dumps(rates | {"bundle": other}))
    with pytest.raises(UsageError, match=r"Expected a record of the bundle's weights .* got one of"):
        read_sources(bundle)


def test_without_networks_the_card_says_that_nothing_is_measured(bundle: Path, tmp_path: Path) -> None:
    assert main(["--bundle", str(bundle), "--docs", str(tmp_path / "docs")]) == 0

    card = _card_and_details(tmp_path / "docs")
    assert "No network was trained in the published folds yet" in card
    assert "| not measured |" in card
    assert "network less it" not in card
    assert "images/" not in card
    assert "43.2 % of such places are flagged" in card


def test_with_networks_the_card_puts_them_beside_the_others(bundle_with_networks: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    assert main(["--bundle", str(bundle_with_networks), "--docs", str(docs)]) == 0

    card, readme = _card_and_details(docs), (bundle_with_networks / "docs" / "README.md").read_text()
    sources = read_sources(bundle_with_networks)
    everything = sources.folds.groups[0]
    for text in (card, readme):
        assert f"| network | {everything.fold_mean['network']} |" in text
        assert "**Not met:** mean AUC, " in text
    assert "By paired intervals: above diameter; not told apart from mask volume" in card
    assert "trained by another `train.json`" in card
    assert "| readers' mean rating |" in card
    for image in re.findall(r"\]\(\.\./(images/[^)]+)\)", card):
        assert (docs / image).stat().st_size < 60_000


def test_plots_are_the_same_each_time_and_on_white(bundle_with_networks: Path) -> None:
    sources = read_sources(bundle_with_networks)
    first, second = _pictures(sources), _pictures(sources)
    assert first == second
    for png in first.values():
        assert np.all(matplotlib.image.imread(io.BytesIO(png))[..., 3] == 1)


def test_tables_have_as_many_cells_in_each_row(bundle_with_networks: Path) -> None:
    for page in render(read_sources(bundle_with_networks), 1).values():
        for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
            assert len({line.count("|") for line in table.splitlines()}) == 1, table
        assert "\n\n\n" not in page


def test_goals_are_told_as_their_flags_say(bundle_with_networks: Path) -> None:
    goals = read_sources(bundle_with_networks).folds.goals
    met = [goal.model_copy(update={"at": "above", "bound": 0.0, "value": 0.5}) for goal in goals]
    assert goals_in_words(met) == f"{len(met)} of {len(met)} goals set beforehand are met."
    missed = met[0].model_copy(update={"value": 0.0, "what": "gain"})
    assert goals_in_words([missed, met[1]]).endswith("**Not met:** gain, 0.000 (> 0).")
    unknown = met[0].model_copy(update={"value": None})
    assert "1 could not be measured" in goals_in_words([unknown, met[1]])


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.01, 0.1, "network above it"), (-0.1, 0.1, "not told apart"), (-0.2, -0.1, "**network below it**")],
)
def test_differences_are_told_by_their_interval(low: float, high: float, words: str) -> None:
    assert compared(Estimate((low + high) / 2, low, high)) == words


def test_weakest_place_is_one_without_nodules(bundle: Path) -> None:
    found = weakest(read_sources(bundle).flags.groups)
    assert found is not None
    assert found.name == "beside_lung"


def test_characteristic_is_worth_reading_only_where_surely_better_than_the_mean() -> None:
    record = CharacteristicRecord(
        name="margin",
        scale=(1, 5),
        nodules=9,
        patients=9,
        spearman=None,
        mean_absolute_error=Estimate(0.4, 0.3, 0.5),
        error_of_the_mean=0.6,
    )
    assert worth_reading(record)
    assert not worth_reading(record.model_copy(update={"error_of_the_mean": 0.45}))


def test_the_card_is_two_screens_long() -> None:
    words = [word for word in (ROOT / "docs" / CARD).read_text().split() if re.search(r"\w", word)]
    assert len(words) <= 920


def _card_and_details(docs: Path) -> str:
    return (docs / CARD).read_text() + (docs / "records" / DETAILS).read_text()


def _pictures(sources: Sources) -> dict[str, bytes]:
    return {name: as_png(figure) for name, figure in draw(sources).items()}


def _rate(name: str, flagged: float) -> dict[str, Any]:
    reasons = {"diameter": 0.0, "slice_spacing": 0.0, "outside_body": 0.0, "no_nodule_density": flagged}
    return {
        "name": name,
        "n": 600,
        "flagged": flagged,
        "flagged_95": [flagged, flagged],
        "reasons": reasons | {"unlike_training": 0.0},
        "by_source": {"scan": flagged},
    }


def _strip_networks(folds: dict[str, Any]) -> None:
    """Make the record that of a benchmark without networks."""
    folds |= {"networks": None, "reference": "diameter", "calibration": [], "delong": []}
    for goal in folds["goals"]:
        goal["value"] = None
    for scores in (folds["scores"], *_by_score(folds)):
        for name in OURS:
            scores.pop(name, None)


def _add_network(folds: dict[str, Any]) -> None:
    """Put a network into a record, first of all scores, that equals gradient boosting."""
    folds |= {
        "reference": "network",
        "networks": {"seeds": [0], "epochs": 1, "train_recipe_sha256": "0", "data_hashes": {}, "machines": ["torch"]},
        "calibration": [
            {"rep": 1, "seed": 0, "ece": _near(0.04), "expected_ece": 0.03, "brier": _near(0.1), "slope": None}
            | {"intercept": _near(0.0)}
        ],
    }
    for goal in folds["goals"]:
        goal["value"] = 0.9
    for scores in _by_score(folds):
        scores |= {"network": scores["gradient_boosting"], **{name: scores.pop(name) for name in list(scores)}}
    folds["scores"] = {"network": "ours", **folds["scores"]}
    for group in folds["groups"]:
        differences = {name: _near(0.0) for name in folds["scores"] if name != "network"}
        differences["diameter"] = _near(0.03)
        group |= {"fold_mean_difference": differences, "pooled_difference": differences}


def _by_score(folds: Mapping[str, Any]) -> list[dict[str, Any]]:
    of_groups = [group[kind] for group in folds["groups"] for kind in ("fold_mean", "fold_sd", "pooled")]
    return [*of_groups, *(row["auc"] for row in (*folds["repeats"], *folds["folds"]))]


def _near(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def _anchor(heading: str) -> str:
    """Return how GitHub names a heading in a link."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")
