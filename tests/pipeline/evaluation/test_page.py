"""The page of an evaluation: whole in itself, honest at the top, and safe whatever a nodule is called."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.evaluation.metrics import evaluate_predictions
from nodulus.pipeline.evaluation.page import Picture, render_page
from nodulus.pipeline.evaluation.pictures import picture_of, try_picture_of
from nodulus.pipeline.evaluation.plots import draw_histogram, draw_roc, draw_sizes, draw_subgroups, group_title
from nodulus.pipeline.evaluation.predictions import Prediction
from nodulus.pipeline.evaluation.record import Evaluation
from nodulus.pipeline.evaluation.report import write_report
from nodulus.pipeline.evaluation.words import headline, verdict
from nodulus.pipeline.pictures.plot_style import PALETTE, as_png, as_svg
from nodulus.transforms.problems import UsageError
from tests.support.simulated_predictions import simulated_context, simulated_predictions

HOSTILE = '<script>alert("$x_1$")</script>'
VOID = {"meta", "img", "link", "br", "wbr", "hr", "input"}


class Outline(HTMLParser):
    """What a page holds, and whether what it opens is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def outline_of(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    return outline


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate_predictions(simulated_predictions(), simulated_context())


@pytest.fixture(scope="module")
def page(evaluation: Evaluation) -> str:
    return render_page(evaluation, {})


def crop_predictions(crops: Path) -> list[Prediction]:
    """Return predictions of the balls of a folder of crops, in the order of their table."""
    simulated = simulated_predictions(20)
    return [
        replace(
            like,
            nodule_id=item.nodule_id,
            patient_id=item.patient_id,
            label=item.label,
            diameter_mm=item.diameter_mm,
            attributes={**item.model_dump(), "image": str(crops / item.image)},
        )
        for like, item in zip(simulated, read_crops(crops, crops), strict=True)
    ]


def test_the_page_asks_nothing_of_the_network(page: str) -> None:
    outline = outline_of(page)
    for tag, attributes in outline.found:
        for name in ("src", "href", "xlink:href", "data", "action", "poster"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), f"{tag} {name}={value[:60]}"
    assert not outline.named("script")
    assert not outline.named("link")
    assert "@import" not in page
    assert all(place.startswith("#") for place in re.findall(r"url\(\s*['\"]?([^)]*)", page))
    assert "default-src 'none'" in page


def test_the_reader_meets_verdict_label_and_overlap_before_any_plot(page: str, evaluation: Evaluation) -> None:
    start = page[: page.index("<svg")]
    assert verdict(evaluation).split(":")[0] in start
    assert "not pathology" in start
    assert "opinion of the picture" in start
    assert "None of these patients trained the weights." in start
    assert 'class="alarm"' not in start


def test_patients_that_trained_the_weights_raise_an_alarm() -> None:
    context = simulated_context(
        overlap="7 of the patients trained the weights.", overlapping_patients=7, n_resamples=50
    )
    page = render_page(evaluate_predictions(simulated_predictions(80), context), {})
    assert re.search(r'class="alarm" role="note"><p><strong>[^<]*</strong> 7 of the patients', page)


def test_the_verdict_follows_the_paired_interval(evaluation: Evaluation) -> None:
    assert "the network says more than size does" in verdict(evaluation)
    blind = [replace(one, probability=0.5 + 0.001 * (index % 7)) for index, one in enumerate(simulated_predictions())]
    assert "size alone does better" in verdict(evaluate_predictions(blind, simulated_context()))
    same = [replace(one, probability=one.size_only) for one in simulated_predictions()]
    assert "holds zero" in verdict(evaluate_predictions(same, simulated_context()))


def test_the_verdict_on_a_handful_of_nodules_claims_nothing() -> None:
    few = [one for label in (0, 1) for one in [one for one in simulated_predictions() if one.label == label][:4]]
    perfect = [replace(one, probability=0.1 + 0.8 * (one.label or 0), diameter_mm=9.0) for one in few]
    words = verdict(evaluate_predictions(perfect, simulated_context()))
    assert "+0.500 to +0.500" in words
    assert "it says nothing of others (too few malignant nodules: 4" in words


def test_every_plot_and_table_is_named_for_those_who_do_not_see_it(page: str) -> None:
    outline = outline_of(page)
    assert len(outline.named("svg")) == 7
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in outline.named("svg"))
    assert all(cell.get("scope") for cell in outline.named("th"))
    assert all(image["alt"] for image in outline.named("img"))
    assert len(outline.named("h1")) == 1
    ids = [attributes["id"] for _, attributes in outline.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(link["href"]).removeprefix("#") for link in outline.named("a")}
    assert targets <= set(ids)


def test_names_from_the_data_stay_text() -> None:
    hostile = [
        replace(
            one,
            nodule_id=f"{HOSTILE}{index}",
            outside_training_range=(HOSTILE,),
            attributes={**one.attributes, "manufacturer": HOSTILE},
            baselines={HOSTILE: one.diameter_mm},
        )
        for index, one in enumerate(simulated_predictions(80))
    ]
    context = simulated_context(title=HOSTILE, data=HOSTILE, overlap=HOSTILE, label=HOSTILE, n_resamples=50)
    page = render_page(evaluate_predictions(hostile, context), {f"{HOSTILE}0": Picture(None, HOSTILE)})
    assert "<script" not in page
    assert not outline_of(page).named("script")
    assert "&lt;script&gt;alert(" in page


def test_plots_are_pictures_that_open(evaluation: Evaluation) -> None:
    for draw in (draw_roc, draw_subgroups):
        picture = matplotlib.image.imread(io.BytesIO(as_png(draw(evaluation))))
        assert picture.shape[1] > 600
    svg = ET.fromstring(as_svg(draw_sizes(evaluation.sizes), "sizes", 'AUC "by" size'))
    assert svg.attrib["aria-label"] == 'AUC "by" size'
    assert "width" not in svg.attrib


def test_plots_are_the_same_each_time(evaluation: Evaluation) -> None:
    assert as_svg(draw_roc(evaluation), "roc", "ROC") == as_svg(draw_roc(evaluation), "roc", "ROC")


def test_groups_that_tell_nothing_leave_plots_that_still_open() -> None:
    few = evaluate_predictions(simulated_predictions(12), simulated_context(n_resamples=20))
    assert all(group.reason for group in few.sizes)
    assert "<svg" in as_svg(draw_sizes(few.sizes), "sizes", "sizes")


@pytest.mark.parametrize(
    ("name", "title"),
    [("8-15", "8\N{EN DASH}15"), (">=70", "≥ 70"), (">1.25 to 2.5", "> 1.25 to 2.5"), ("3D-CT", "3D-CT")],
)
def test_ranges_are_printed_as_ranges_and_names_as_they_are(name: str, title: str) -> None:
    assert group_title(name) == title


def test_a_hard_case_is_shown_with_its_box(tiny_crops: Path) -> None:
    picture = matplotlib.image.imread(io.BytesIO(picture_of(crop_predictions(tiny_crops)[1])))
    height, width = picture.shape[:2]
    assert width == 3 * height
    box = np.any(picture[..., 0] > picture[..., 2] + 0.3, axis=0).reshape(width)
    thirds = [box[: width // 3], box[width // 3 : 2 * width // 3], box[2 * width // 3 :]]
    assert all(third.any() for third in thirds), "each plane shows the yellow box"


def test_without_a_picture_the_page_says_why(tmp_path: Path) -> None:
    bare = simulated_predictions(1)[0]
    lost = replace(bare, attributes={"center_lps_mm": (0, 0, 0), "image": str(tmp_path / "none.nii.gz")})
    with pytest.raises(UsageError, match="center_lps_mm"):
        picture_of(bare)
    png, why_not = try_picture_of(lost)
    assert png is None
    assert "none.nii.gz" in why_not


def test_a_report_is_three_files(tiny_crops: Path, tmp_path: Path) -> None:
    diagnosis = tmp_path / "diagnosis.csv"
    diagnosis.write_text("patient_id,diagnosis\npatient_00,1\n")
    predictions = crop_predictions(tiny_crops)
    found = write_report(predictions, tmp_path / "out", simulated_context(n_resamples=20), diagnosis=diagnosis)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["metrics.json", "nodules.csv", "report.html"]
    assert sorted(found) == ["metrics.json", "nodules.csv", "report.html"]
    evaluation = Evaluation.model_validate_json(found["metrics.json"].read_text())
    assert evaluation.pathology is not None
    page = found["report.html"].read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 8
    assert "too few patients" in page


def test_a_report_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="each class"):
        write_report(simulated_predictions(2), tmp_path / "out", simulated_context())
    assert not (tmp_path / "out").exists()


def test_a_colour_means_one_thing_on_the_whole_page(page: str, evaluation: Evaluation) -> None:
    for shade in ("light", "dark"):
        colours = [getattr(tone, shade) for tone in PALETTE.values()]
        assert len(colours) == len(set(colours))
    told = set(re.findall(r"#[0-9a-f]{6}\b", page))
    assert told <= {colour for tone in PALETTE.values() for colour in (tone.light, tone.dark)}
    network, size = PALETTE["network"].light, PALETTE["size"].light
    for draw, holds in ((draw_roc, (network, size)), (draw_subgroups, (network,))):
        svg = as_svg(draw(evaluation), "plot", "plot")
        assert all(f"var(--{name}, {PALETTE[name].light})" in svg for name in ("ink", "network"))
        assert all(colour in svg for colour in holds)
    classes = as_svg(draw_histogram(evaluation.histogram), "plot", "plot")
    assert "var(--malignant" in classes
    assert "var(--benign" in classes
    assert network not in classes
    assert size not in classes


@pytest.mark.parametrize("caveat", ["all 6 patients chose the best epoch: expect less on others", None])
def test_the_caveat_stands_beside_the_lead_figure_on_page_and_console(caveat: str | None) -> None:
    found = evaluate_predictions(simulated_predictions(80), simulated_context(caveat=caveat, n_resamples=20))
    page, line = render_page(found, {}), headline(found)
    lead, after = page.split('<p class="verdict">')[1].split('<dl class="cards">')[:2]
    assert (caveat is not None and caveat in lead) == (caveat is not None)
    assert ('class="note"' in lead) == (caveat is not None)
    assert "Read this figure" not in after
    auc, size = found.scores["network"].auc, found.scores["diameter"].auc
    assert line.startswith(
        f"AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}), of the diameter alone {size.value:.3f}"
    )
    assert f"on {found.counts.nodules} nodules of {found.counts.patients} patients" in line
    assert line.endswith(caveat or "patients")
