"""The page of a case: one HTML file with its scores, pictures and reasons, that asks nothing of the network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment

from nodulus.pipeline.files import write_text
from nodulus.pipeline.pages.environment import page_environment
from nodulus.pipeline.pages.policy import content_policy
from nodulus.pipeline.pictures.plot_style import PALETTE
from nodulus.pipeline.pictures.views import BOX_COLOUR, CROSSHAIR_COLOUR, NOT_SCANNED_COLOUR, WINDOW_HU
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.readout.prior_shift import percent
from nodulus.pipeline.results.record import Results
from nodulus.transforms.problems import ProblemCode, printable
from nodulus.transforms.series.patient import read_patient
from nodulus.transforms.volume import CTVolume

from .scored_case import ScoredCase
from .shown_nodules import ShownChest, ShownNodule, show_nodules

PAGE = "report.html"
# Of what the headers lack, or what has no headers.
NOT_STATED = "not stated"
TEMPLATES = Path(__file__).parent / "templates"


def write_page(scored: ScoredCase, folder: Path) -> tuple[Path, ...]:
    """Write the page of a case into a folder and return its path; a refused case's page says why it was refused.

    Raises:
        UsageError: it cannot be written.
    """
    shown, chest = show_nodules(scored.result.nodules, scored.run.bundle.operating_points, scored.volume)
    patient = _patient(scored.volume) if scored.with_identifiers else {}
    return (write_text(folder / PAGE, render_page(scored.run, shown, chest, patient)),)


def render_page(
    run: Results, nodules: list[ShownNodule], chest: ShownChest | None, patient: Mapping[str, str] | None = None
) -> str:
    """Return the page as HTML.

    Args:
        run: the record, of one case.
        nodules: those of the case, in its order.
        chest: the whole scan, None where it cannot be shown.
        patient: who it is, by what each is called; empty unless that was asked for.
    """
    (case,) = run.cases
    environment = templates()
    style = environment.get_template("case.css").render()
    script = environment.get_template("case.js").render()
    doubtful = {item for one in case.warnings if one.code == ProblemCode.FRAME_DOUBTFUL.value for item in one.items}
    return environment.get_template("case.html.j2").render(
        policy=content_policy(style, [script]),
        style=style,
        script=script,
        run=run,
        case=case,
        nodules=nodules,
        chest=chest,
        scales=CHARACTERISTICS,
        window_hu=WINDOW_HU,
        not_scanned=NOT_SCANNED_COLOUR,
        patient=patient or {},
        is_doubtful={one.number: printable(one.record.nodule_id) in doubtful for one in nodules},
    )


@cache
def templates() -> Environment:
    """Return the environment of this room's pages; they are compiled once, however many cases there are."""
    environment = page_environment(TEMPLATES, is_html=True)
    environment.filters |= {"share": percent}
    environment.globals |= {"palette": PALETTE, "box": BOX_COLOUR, "crosshair": CROSSHAIR_COLOUR}
    return environment


def _patient(volume: CTVolume | None) -> dict[str, str]:
    """Return what a scan's headers say of its patient, by what it is called; a scan that is no DICOM has none."""
    series_uid = None if volume is None else volume.attributes.get("series_uid")
    patient = None if volume is None or series_uid is None else read_patient(Path(volume.source), str(series_uid))
    if patient is None:
        return {"Patient": NOT_STATED}
    told = {
        "Patient": patient.name,
        "Patient ID": patient.patient_id,
        "Born": patient.birth_date,
        "Study date": patient.study_date,
    }
    return {name: value or NOT_STATED for name, value in told.items()}
