"""Who was scanned is told as people write it, and from the elements that the report takes over."""

from __future__ import annotations

import io

import pytest
from pydicom import Dataset, dcmread

from nodulus.pipeline.writers.patient_words import patient_words


def header(**values: str | list[str]) -> Dataset:
    """Return a header as it is read from a file, in the character set that it states."""
    given = Dataset()
    given.StudyInstanceUID = "1.2.3"
    for keyword, value in values.items():
        setattr(given, keyword, value)
    file = io.BytesIO()
    given.save_as(file, implicit_vr=False, little_endian=True)
    file.seek(0)
    return dcmread(file, force=True)


def test_a_patient_is_told_by_name_number_and_dates() -> None:
    given = header(PatientName="Doe^Jane^^Dr", PatientID="A 1", PatientBirthDate="19500102", StudyDate="20240131")
    assert patient_words(given) == {
        "Patient": "Doe Jane Dr", "Patient ID": "A 1", "Born": "1950-01-02", "Study date": "2024-01-31"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("charset", "name", "shown"),
    [
        ("ISO_IR 100", "Müller^Jörg", "Müller Jörg"),
        ("ISO_IR 192", "Новак^Ева", "Новак Ева"),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎", "Yamada Tarou / 山田 太郎"),
    ],
)
def test_names_are_read_in_their_character_set(charset: str, name: str, shown: str) -> None:
    told = patient_words(header(SpecificCharacterSet=charset.split("\\"), PatientName=name))
    assert told["Patient"] == shown


def test_what_is_missing_or_malformed_is_empty() -> None:
    assert set(patient_words(header()).values()) == {""}
    with pytest.warns(UserWarning, match="Invalid value"):
        given = header(PatientBirthDate="1950")
    assert patient_words(given)["Born"] == ""
