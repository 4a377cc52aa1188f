"""Whether a structure is a lesion at all: anatomy, dose volumes and devices are told by their codes and names."""

from __future__ import annotations

import re
import unicodedata

from pydicom.dataset import Dataset

from .dicom_fields import first_item, text

# RT ROI Interpreted Types (PS3.3 C.8.8.8.1) of what is no lesion. A CTV or PTV is one with a margin around it: its
# size is the plan's.
_OTHER_ROI_TYPES = """
EXTERNAL PTV CTV ITV TREATED_VOLUME IRRAD_VOLUME OAR BOLUS AVOIDANCE ORGAN MARKER REGISTRATION ISOCENTER
CONTRAST_AGENT CAVITY BRACHY_CHANNEL BRACHY_ACCESSORY BRACHY_SRC_APP BRACHY_CHNL_SHLD SUPPORT FIXATION
DOSE_REGION CONTROL DOSE_MEASUREMENT DEVICE
"""
# Categories of segmented properties: anatomical structure, tissue, body substance, physical object (SCT, then SRT).
_OTHER_CATEGORIES = {
    "123037004": "anatomical structure",
    "T-D000A": "anatomical structure",
    "85756007": "tissue",
    "T-D0050": "tissue",
    "91720002": "body substance",
    "F-61002": "body substance",
    "260787004": "physical object",
    "A-00004": "physical object",
}
_LESION = re.compile(
    r"nodul|lesion|tumou?r|mass|cancer|carcinom|neoplas|metasta|gtv|malign|finding|ggo|ggn", re.IGNORECASE
)
_ANATOMY_WORDS = """
lung lungs heart atrium ventricle myocardium aorta trachea bronchus bronchi airway airways oesophagus esophagus
thyroid liver spleen kidney kidneys stomach pancreas duodenum bowel colon gallbladder bladder adrenal brain
spine cord spinalcord spinal canal spinalcanal vertebra vertebrae vertebral rib ribs sternum clavicle clavicula
scapula humerus bone bones skeleton muscle fat skin body external thorax chest mediastinum diaphragm pleura
vessel vessels artery vein veins cava portal breast carina couch table patient prostate rectum
herz lunge leber milz niere rueckenmark coeur poumon foie moelle corazon pulmon cuore polmone midollo
"""
_BESIDE_WORDS = """
left right l r lt rt both bilateral upper lower middle lobe lobes superior inferior main total whole mask
segmentation contour organ wall the of in and pulmonary vena rul rml rll lul lll common
"""
# What a plan's structures are called where their type is left empty: a margin around a lesion, whatever else the name
# says, and helpers, which are called so and not as a lesion.
_MARGIN_WORDS = """
ptv ctv itv prv isodose dose
"""
_HELPER_WORDS = """
oar bolus avoid avoidance ring zring couch marker fiducial isocenter isocentre iso opt opti helper dummy
hotspot coldspot artifact artefact
"""
_MARGINS, _HELPERS = frozenset(_MARGIN_WORDS.split()), frozenset(_HELPER_WORDS.split())
_ANATOMY, _BESIDE_ANATOMY = frozenset(_ANATOMY_WORDS.split()), frozenset(_BESIDE_WORDS.split())
_NUMBERED = re.compile(r"[ctls]?\d{1,2}")


def roi_role(interpreted_type: str, name: str) -> str | None:
    """Return what an ROI is that is no lesion, by its RT ROI Interpreted Type or else its name, or None."""
    kind = interpreted_type.strip().upper()
    if kind in _OTHER_ROI_TYPES.split():
        return f"its type is {kind}"
    return None if kind == "GTV" else named_role(name)


def segment_role(segment: Dataset, name: str) -> str | None:
    """Return what a segment is that is no lesion, by its category, the meaning of its type and its name, or None."""
    category, kind = (_code(segment, f"SegmentedProperty{what}CodeSequence") for what in ("Category", "Type"))
    if role := named_role(name):  # writers give all of their segments one code, be it a neoplasm's
        return role
    if _LESION.search(kind[1]) or _LESION.search(name):
        return None
    if (
        category[0] in _OTHER_CATEGORIES and category[0] != kind[0]
    ):  # Slicer's "Tissue, Tissue" is where none was chosen
        return f"its category is {_OTHER_CATEGORIES[category[0]]}"
    return named_role(kind[1])


def named_role(name: str) -> str | None:
    """Return what something is that is called as a part of the body or of a plan and nothing else, or None.

    >>> named_role("lung_upper_lobe_left"), named_role("nodule in left lung"), named_role("R4")
    ("it is named as anatomy, 'lung_upper_lobe_left'", None, None)
    """
    words = _words(name)
    is_lesion = _LESION.search(name) is not None
    plain = {word.rstrip("0123456789") for word in words}
    if plain & _MARGINS or (plain & _HELPERS and not is_lesion):
        return f"it is named as a structure of a plan, {name!r}"
    if is_lesion or not _ANATOMY.intersection(words):
        return None
    may_be_numbered = {"vertebra", "vertebrae", "rib", "ribs", "spine"}.intersection(words)
    rest = [word for word in words if word not in _ANATOMY | _BESIDE_ANATOMY]
    if all(may_be_numbered and _NUMBERED.fullmatch(word) for word in rest):
        return f"it is named as anatomy, {name!r}"
    return None


def _words(name: str) -> list[str]:
    """Return the words of a name, in lower case and without accents: HeartWall and heart_wall are the same two."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z]+\d*|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", plain).lower())


def _code(item: Dataset, keyword: str) -> tuple[str, str]:
    """Return value and meaning of a code sequence's first item, empty where there is none."""
    code = first_item(item, keyword)
    return ("", "") if code is None else (text(code, "CodeValue"), text(code, "CodeMeaning"))
