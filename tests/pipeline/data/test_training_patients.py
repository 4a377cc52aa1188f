"""The guard finds a training patient again, and its file lists none in plain text."""

from __future__ import annotations

import json
import string
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodulus.pipeline.data.patient_ids import patient_key
from nodulus.pipeline.data.training_patients import (
    TrainingPatients,
    hash_patients,
    overlap,
    read_training_patients,
    write_training_patients,
)
from nodulus.transforms.problems import UsageError

IDS = ("LIDC-IDRI-0001", "LIDC-IDRI-0003", "LIDC-IDRI-0003")


def test_a_training_patient_is_found_and_another_is_not() -> None:
    known = hash_patients(IDS)
    assert overlap(["LIDC-IDRI-0002", " LIDC-IDRI-0003", "LIDC-IDRI-0001", "x"], known) == [
        " LIDC-IDRI-0003",
        "LIDC-IDRI-0001",
    ]
    assert overlap(["lidc-idri-0001", "lidc-idri-0002"], known) == ["lidc-idri-0001"]
    assert overlap([], known) == []


def respelled(patient_id: str) -> st.SearchStrategy[str]:
    """Return the ways to write an id that are one patient's: each letter in either case, blanks around."""
    letters = st.tuples(*(st.sampled_from((letter.lower(), letter.upper())) for letter in patient_id))
    blanks = st.text(" \t\n\0\ufeff\u00a0\u200b", max_size=3)
    return st.builds(lambda before, middle, after: before + "".join(middle) + after, blanks, letters, blanks)


PATIENT_IDS = st.text(string.ascii_letters + string.digits + "-_. äß", min_size=1, max_size=12).filter(str.strip)


@settings(deadline=None, max_examples=40)
@given(patient_id=PATIENT_IDS, other=PATIENT_IDS, data=st.data())
def test_a_training_patient_is_found_in_any_spelling(patient_id: str, other: str, data: st.DataObject) -> None:
    written, asked = data.draw(respelled(patient_id)), data.draw(respelled(patient_id))
    quick = hash_patients([written], salt=bytes(8))
    assert quick.hashes == hash_patients([asked, written], salt=bytes(8)).hashes
    assert overlap([asked], quick) == [asked]
    if patient_key(other) != patient_key(patient_id):
        assert overlap([other], quick) == []


@pytest.mark.parametrize("asked", ["LIDC-IDRI-0004", " lidc-idri-0004 ", "Lidc-Idri-0004"])
def test_the_shipped_hashes_know_their_patients_in_any_case(asked: str, bundle: Path) -> None:
    shipped = read_training_patients(bundle / "models" / "training_patients.json")
    assert shipped.ids == "trimmed, case-folded"
    assert overlap([asked, "LIDC-IDRI-9999"], shipped) == [asked]


def test_hashes_say_in_which_form_the_ids_were(tmp_path: Path) -> None:
    path = write_training_patients(hash_patients(IDS), tmp_path / "patients.json")
    assert json.loads(path.read_text())["ids"] == "trimmed, case-folded"
    before = TrainingPatients(salt="00" * 8, hashes=())
    before = before.model_copy(update={"hashes": (before.hash_of("Patient 7"),)})
    # In mixed case it is found as it was written only; what is hashed today is found in any.
    assert overlap(["Patient 7 ", "patient 7"], before) == ["Patient 7 "]


def test_each_patient_has_one_hash_and_each_bundle_its_own_salt() -> None:
    first, second = hash_patients(IDS), hash_patients(IDS)
    assert len(first.hashes) == 2
    assert not set(first.hashes) & set(second.hashes)
    assert hash_patients(IDS, salt=b"salt and pepper") == hash_patients(IDS, salt=b"salt and pepper")


def test_the_file_holds_no_id_and_reads_back(tmp_path: Path) -> None:
    known = hash_patients(IDS)
    path = write_training_patients(known, tmp_path / "models" / "training_patients.json")
    assert "LIDC" not in path.read_text()
    assert json.loads(path.read_text())["algorithm"] == "scrypt"
    assert read_training_patients(path) == known


def test_a_hash_takes_long_enough_to_slow_guessing() -> None:
    known = hash_patients(())
    started = perf_counter()
    known.hash_of("LIDC-IDRI-0001")
    assert perf_counter() - started > 0.001


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "in JSON, got .* in .*patients.json"),
        ("[]", "got the file: .* in .*patients.json"),
        ('{"algorithm": "md5", "salt": "00112233445566778899", "hashes": []}', "algorithm"),
        ('{"salt": "no hex at all!!!", "hashes": []}', "salt"),
        ('{"salt": "00112233445566778899", "cost": 3, "hashes": []}', "cost: expected a power of two, got 3"),
        ('{"salt": "00112233445566778899", "cost": 1048576, "hashes": []}', "cost"),
    ],
)
def test_a_file_that_is_something_else_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "patients.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason) as caught:
        read_training_patients(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found no file .*none\.json"):
        read_training_patients(tmp_path / "none.json")


def test_the_costliest_file_that_is_admitted_can_be_hashed() -> None:
    costly = TrainingPatients(cost=2**16, block_size=8, salt="00" * 16, hashes=())
    assert len(costly.hash_of("x")) == 32
