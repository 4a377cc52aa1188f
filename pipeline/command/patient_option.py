"""What `--patient` says of the patient of one scan."""

from __future__ import annotations

from nodulus.pipeline.readout.brock import known_factors
from nodulus.transforms.problems import UsageError

# By what users may name, the columns of a nodule table that say the same.
NAMES = {
    "age": "age",
    "sex": "sex",
    "family_history": "family_history",
    "emphysema": "emphysema",
    "type": "nodule_type",
    "lobe": "lobe",
    "count": "nodule_count",
    "spiculation": "spiculation",
}


def read_patient(text: str) -> dict[str, str]:
    """Return what an option says of a patient, by the columns of a nodule table.

    Raises:
        UsageError: a name is not known, stands twice, or its value is not understood.

    >>> read_patient("age=65, type=part-solid")
    {'age': '65', 'nodule_type': 'part-solid'}
    """
    told: dict[str, str] = {}
    for part in text.split(","):
        name, is_given, value = (each.strip() for each in part.partition("="))
        column = NAMES.get(name.lower().replace("nodule_", ""))
        if not is_given or column is None:
            raise UsageError(
                f"Expected --patient NAME=VALUE,... with names of {', '.join(NAMES)}, got {part.strip()!r}"
            )
        if column in told:
            raise UsageError(f"Expected each name once in --patient, got {name} again")
        if not known_factors({column: value}):
            raise UsageError(f"Expected a value of {name} that can be understood in --patient, got {value!r}")
        told[column] = value
    return told
