"""What a label mask must fulfil beyond the rules on an image file's header, and why."""

from __future__ import annotations

from nodulus.transforms.problems import ProblemCode as Code

from .rule import GateRule, Limit

MASK_SIZE = GateRule(
    Code.UNREADABLE,
    "at most {at_most}",
    "A mask is held in memory while its parts are looked for; 512 x 512 x 1024 voxels of two bytes.",
    {"at_most": Limit(256, "Mi voxels")},
)
LABELS = GateRule(
    Code.UNREADABLE,
    "labels from 0 to {at_most}",
    "Other values are an image's, not a mask's.",
    {"at_most": Limit(65535, "")},
)
WHOLE_NUMBERS = GateRule(
    Code.UNREADABLE,
    "labels that are whole numbers within {within}",
    "Probabilities need a threshold, which only who made them knows; scaling leaves a rest behind the point.",
    {"within": Limit(1e-3, "")},
)

# In the order of this page, and none can be forgotten.
MASK_RULES: tuple[GateRule, ...] = tuple(rule for rule in list(globals().values()) if isinstance(rule, GateRule))
