"""Which files can be asked for of a case, and who writes each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module

from .case_files import CASES
from .scored_case import CaseWriter

# By the option that asks for it: the file's name, and where its writer is; loaded only when it is asked for.
WRITERS: Mapping[str, tuple[str, str]] = {
    "sr": ("sr.dcm", "nodulus.pipeline.writers.structured_report:write_sr"),
    "key-images": ("key_images", "nodulus.pipeline.writers.key_images:write_key_images"),
    "fhir": ("fhir.json", "nodulus.pipeline.writers.fhir:write_fhir"),
    "report": ("report.html", "nodulus.pipeline.writers.page:write_page"),
}
# All that a run may leave of its cases.
CASE_FILES = (*(name for name, _ in WRITERS.values()), CASES)


def case_writers(asked: Collection[str]) -> dict[str, CaseWriter]:
    """Return the writers that some options ask for, by the names of their files."""
    return {name: _load(place) for option, (name, place) in WRITERS.items() if option in asked}


def _load(place: str) -> CaseWriter:
    module, function = place.split(":")
    writer: CaseWriter = getattr(import_module(module), function)
    return writer
