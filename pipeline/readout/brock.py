"""What does the Brock (PanCan) model say of a nodule, where the table tells the patient's risk factors?

The full model with spiculation: McWilliams A, et al. Probability of cancer in pulmonary nodules detected on first
screening CT. N Engl J Med 2013;369:910-919. It gives the probability that the nodule is, or within a few years proves,
cancer, in current and former smokers screened by CT, with nodules from 1 to 86 mm. It is not the radiologists' opinion
that the network learned, so that the two numbers answer different questions, and it is not validated for metastases
in a patient with a known cancer.

The paper was not at hand. The coefficients were compared with table 2 of a peer-reviewed comparison of such models,
which prints them with the age and the size uncentred: Uthoff J, et al. Eur Radiol 2019;29:5367-5377
(doi:10.1007/s00330-019-06168-x). They agree to the last printed digit. No worked example of the full model was found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from nodulus.transforms.problems import UsageError

NoduleType = Literal["solid", "part-solid", "non-solid"]
Sex = Literal["F", "M"]

_INTERCEPT = -6.7892
_PER_YEAR, _MIDDLE_AGE_YEARS = 0.0287, 62.0
_FEMALE, _FAMILY_HISTORY, _EMPHYSEMA = 0.6011, 0.2961, 0.2953
_PER_ROOT_CM, _MIDDLE_ROOT_CM = -5.3854, 1.58113883  # of (diameter in cm) ** -0.5, centred at 4 mm
_OF_TYPE: Mapping[NoduleType, float] = {"solid": 0.0, "part-solid": 0.377, "non-solid": -0.1276}
_UPPER_LOBE, _SPICULATION = 0.6581, 0.7729
_PER_NODULE, _MIDDLE_COUNT = -0.0824, 4


@dataclass(frozen=True)
class RiskFactors:
    """What the Brock model asks beside the diameter.

    Args:
        age_years: age at the scan.
        sex: "F" or "M".
        family_history: whether a relative of first degree has had lung cancer.
        emphysema: whether the CT shows emphysema.
        nodule_type: solid, part-solid, or non-solid (pure ground glass).
        upper_lobe: whether the nodule lies in an upper lobe.
        nodule_count: how many nodules the scan shows, this one included.
        spiculation: whether the nodule's margin is spiculated.
    """

    age_years: float
    sex: Sex
    family_history: bool
    emphysema: bool
    nodule_type: NoduleType
    upper_lobe: bool
    nodule_count: int
    spiculation: bool


def brock_probability(diameter_mm: float, factors: RiskFactors) -> float:
    """Return the Brock model's probability of lung cancer, 0 to 1, of a nodule.

    Args:
        diameter_mm: the nodule's longest diameter, above 0; the model was made on 1 to 86 mm.
        factors: the patient and the nodule.

    >>> woman = RiskFactors(65, "F", False, False, "part-solid", True, 1, True)
    >>> round(brock_probability(8.0, woman), 3)
    0.175
    """
    if not diameter_mm > 0:
        raise UsageError(f"Expected a diameter above 0 mm, got {diameter_mm:g}")
    log_odds = (
        _INTERCEPT
        + _PER_YEAR * (factors.age_years - _MIDDLE_AGE_YEARS)
        + _FEMALE * (factors.sex == "F")
        + _FAMILY_HISTORY * factors.family_history
        + _EMPHYSEMA * factors.emphysema
        + _PER_ROOT_CM * ((diameter_mm / 10) ** -0.5 - _MIDDLE_ROOT_CM)
        + _OF_TYPE[factors.nodule_type]
        + _UPPER_LOBE * factors.upper_lobe
        + _PER_NODULE * (factors.nodule_count - _MIDDLE_COUNT)
        + _SPICULATION * factors.spiculation
    )
    return 1 / (1 + math.exp(-log_odds))


def risk_factors_of(attributes: Mapping[str, str]) -> RiskFactors | None:
    """Return the risk factors that a nodule's attributes tell, or None where any is absent (see `missing_factors`).

    Columns, in any case: ``age`` (or ``patient_age``) in years; ``sex`` (``patient_sex``) F or M; ``family_history``,
    ``emphysema`` and ``spiculation`` yes or no (never a rating); ``nodule_type`` solid, part-solid or non-solid
    (ground-glass); ``upper_lobe`` yes or no, or ``lobe`` (RUL, left lower lobe, ...); ``nodule_count``.
    An empty cell, "unknown" and the like count as absent.

    Raises:
        UsageError: naming the column, where a value cannot be understood, whatever else is missing.
    """
    factors = {name: _read(column, text) for name in _COLUMNS for column, text in [_cell(attributes, name)] if text}
    if len(factors) < len(_COLUMNS):
        return None
    return RiskFactors(**factors)  # type: ignore[arg-type]  # each column's reader returns its field's type


def known_factors(attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return the risk factors that the attributes tell and that are understood, by the fields of `RiskFactors`.

    >>> known_factors({"age": "70", "sex": "?", "lobe": "tail"})
    {'age_years': 70.0}
    """
    told: dict[str, Any] = {}
    for name in _COLUMNS:
        column, text = _cell(attributes, name)
        with suppress(UsageError):
            told |= {name: _read(column, text)} if text else {}
    return told


def missing_factors(attributes: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns that the Brock model would need and that the attributes lack, in the order of `RiskFactors`.

    >>> missing_factors({"age": "70", "sex": "F", "lobe": "RUL", "emphysema": "no", "spiculation": "yes"})
    ('family_history', 'nodule_type', 'nodule_count')
    """
    return tuple(_COLUMNS[name][0] for name in _COLUMNS if not _cell(attributes, name)[1])


# The column to name where a factor is missing comes first.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "age_years": ("age", "patient_age", "age_years"),
    "sex": ("sex", "patient_sex"),
    "family_history": ("family_history",),
    "emphysema": ("emphysema",),
    "nodule_type": ("nodule_type",),
    "upper_lobe": ("upper_lobe", "lobe"),
    "nodule_count": ("nodule_count",),
    "spiculation": ("spiculation",),
}
_ABSENT = frozenset({"", "-", "?", "na", "n/a", "nan", "none", "null", "unknown"})


def _cell(attributes: Mapping[str, str], factor: str) -> tuple[str, str]:
    """Return the first column of a factor that is filled and its text; the text is empty where none is."""
    by_column = {column.strip().lower(): text.strip() for column, text in attributes.items()}
    for column in _COLUMNS[factor]:
        if (text := by_column.get(column, "")).lower() not in _ABSENT:
            return column, text
    return _COLUMNS[factor][0], ""


def _read(column: str, text: str) -> object:
    return _READERS.get(column, _yes_or_no)(column, text)


def _age(column: str, text: str) -> float:
    # DICOM writes 064Y.
    return _number(column, text.rstrip("Yy"), "an age in years from 1 to 120", 1, 120)


def _count(column: str, text: str) -> int:
    expected = "a whole number of nodules, at least 1"
    count = _number(column, text, expected, 1, math.inf)
    if not count.is_integer():
        raise _not_understood(column, text, expected)
    return int(count)


def _number(column: str, text: str, expected: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (low <= value <= high and math.isfinite(value)):
        raise _not_understood(column, text, expected)
    return value


def _word(column: str, text: str, meanings: Mapping[str, object], expected: str) -> object:
    word = "-".join(text.lower().replace("_", " ").replace("-", " ").split())
    if word not in meanings:
        raise _not_understood(column, text, expected)
    return meanings[word]


def _sex(column: str, text: str) -> object:
    return _word(column, text, {"f": "F", "female": "F", "m": "M", "male": "M"}, "F or M")


def _yes_or_no(column: str, text: str) -> object:
    yes, no = dict.fromkeys(("yes", "y", "true", "1"), True), dict.fromkeys(("no", "n", "false", "0"), False)
    return _word(column, text, yes | no, "yes or no")


def _type(column: str, text: str) -> object:
    return _word(column, text, _TYPES, "solid, part-solid or non-solid")


def _lobe(column: str, text: str) -> object:
    return _word(column, text.lower().replace(" lobe", ""), _LOBES, "a lobe: RUL, RML, RLL, LUL or LLL")


_TYPES: Mapping[str, object] = {
    "solid": "solid",
    **dict.fromkeys(("part-solid", "partsolid", "partly-solid", "semi-solid", "semisolid", "mixed"), "part-solid"),
    **dict.fromkeys(("non-solid", "nonsolid", "ground-glass", "groundglass", "pure-ground-glass"), "non-solid"),
    **dict.fromkeys(("ground-glass-opacity", "ground-glass-nodule", "ggo", "ggn", "pggn"), "non-solid"),
}
# The lingula is a part of the left upper lobe.
_LOBES: Mapping[str, object] = {
    **dict.fromkeys(("rul", "lul", "right-upper", "left-upper", "upper", "lingula"), True),
    **dict.fromkeys(("rml", "rll", "lll", "right-middle", "right-lower", "left-lower", "middle", "lower"), False),
}
_READERS: Mapping[str, Callable[[str, str], object]] = {
    **dict.fromkeys(_COLUMNS["age_years"], _age),
    **dict.fromkeys(_COLUMNS["sex"], _sex),
    "nodule_type": _type,
    "lobe": _lobe,
    "nodule_count": _count,
}


def _not_understood(column: str, text: str, expected: str) -> UsageError:
    return UsageError(f"Expected {expected} in column {column}, got {text!r}")
