"""Whether a patient's scans trained the weights: salted hashes of their ids, and the test.

The bundle keeps hashes instead of ids so that it lists no patient in plain text. That is modest protection: whoever
holds the bundle can hash a guess and see whether it is among them, so ids that are numbered through (LIDC-IDRI-0001 and
on) are found within seconds, however slow the hash. What the slow hash and the salt do buy: no table computed before
helps, and ids drawn from a large space (random pseudonyms, UIDs) cannot be tried out one by one. The guard itself finds
a patient only under the same id, whatever its case; it cannot know a scan that was renamed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from nodulus.pipeline.files import write_text
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.records import Record

from .patient_ids import patient_key

SALT_BYTES, HASH_BYTES = 16, 16
# RFC 7914 names n cost, r block size, p parallelism. These take 4 MiB and some 10 ms a hash on one core.
COST, BLOCK_SIZE, PARALLELISM = 2**12, 8, 1
# What a foreign file may ask for: 64 MiB a hash.
_MOST_COST, _MOST_BLOCK_SIZE, _MOST_PARALLELISM = 2**16, 8, 4
_HEX = r"^([0-9a-f]{2})+$"


class TrainingPatients(Record):
    """The training patients of a bundle, hashed (scrypt, RFC 7914) with one salt; both are hexadecimal.

    Args:
        algorithm: of the hashes.
        cost: scrypt's N.
        block_size: scrypt's r.
        parallelism: scrypt's p.
        ids: the form in which an id was hashed. Files of up to nodulus 0.2.0 do not say; they hashed it as it was
            written, trimmed.
        salt: of all hashes.
        hashes: of the patients, sorted.
        earlier: of the weights that these were begun with, who trained them.
    """

    algorithm: Literal["scrypt"] = "scrypt"
    cost: int = Field(default=COST, ge=2, le=_MOST_COST)
    block_size: int = Field(default=BLOCK_SIZE, ge=1, le=_MOST_BLOCK_SIZE)
    parallelism: int = Field(default=PARALLELISM, ge=1, le=_MOST_PARALLELISM)
    ids: Literal["trimmed", "trimmed, case-folded"] = "trimmed"
    salt: str = Field(pattern=_HEX, min_length=16)
    hashes: tuple[str, ...]
    earlier: TrainingPatients | None = None

    @field_validator("cost")
    @classmethod
    def _is_power_of_two(cls, cost: int) -> int:
        if cost & (cost - 1):
            msg = f"expected a power of two, got {cost}"
            raise ValueError(msg)
        return cost

    def knows(self, patient_id: str) -> bool:
        """Return whether a patient is among them; blanks around the id and its case do not count."""
        is_own = any(self.hash_of(form) in self.hashes for form in self._forms(patient_id))
        return is_own or (self.earlier is not None and self.earlier.knows(patient_id))

    def _forms(self, patient_id: str) -> dict[str, None]:
        """Return what an id may have been hashed as, the likeliest first."""
        if self.ids == "trimmed, case-folded":
            return {patient_key(patient_id): None}
        # How the id was written then is not known: a hash cannot be folded. One in mixed case is found as written only.
        written = patient_id.strip()
        return dict.fromkeys((written, written.upper(), written.lower()))

    def hash_of(self, text: str) -> str:
        """Return the hash of a text."""
        digest = hashlib.scrypt(
            text.encode(),
            salt=bytes.fromhex(self.salt),
            n=self.cost,
            r=self.block_size,
            p=self.parallelism,
            maxmem=256 * self.cost * self.block_size * self.parallelism + 2**20,
            dklen=HASH_BYTES,
        )
        return digest.hex()


def hash_patients(ids: Iterable[str], salt: bytes | None = None) -> TrainingPatients:
    """Return the hashes of patient ids, each once and sorted, so that their order says nothing.

    Args:
        ids: patients, repetitions welcome.
        salt: at least 8 bytes; random if None.
    """
    text = (secrets.token_bytes(SALT_BYTES) if salt is None else salt).hex()
    empty = TrainingPatients(ids="trimmed, case-folded", salt=text, hashes=())
    hashes = sorted(map(empty.hash_of, set(map(patient_key, ids))))
    return empty.model_copy(update={"hashes": tuple(hashes)})


def overlap(patients: Iterable[str], known: TrainingPatients) -> list[str]:
    """Return the patients that the weights were trained on, each once, sorted."""
    return sorted(patient for patient in set(patients) if known.knows(patient))


def write_training_patients(patients: TrainingPatients, path: Path) -> Path:
    """Write the hashes as JSON, whole or not at all, and return the path."""
    # Most weights were begun with none, and earlier versions read no such key.
    return write_text(path, patients.model_dump_json(indent=1, exclude_none=True) + "\n")


def read_training_patients(path: Path) -> TrainingPatients:
    """Return the hashes of a JSON file.

    Raises:
        UsageError: the file is missing, or holds something else.
    """
    return read_json_as(TrainingPatients, Path(path), "hashes of the training patients")
