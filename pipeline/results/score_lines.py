"""The record in lines for a log: what was found of each nodule, and what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from nodulus.transforms.problems import printable

from .record import CaseResult, NoduleResult


def score_lines(cases: Iterable[CaseResult]) -> Iterator[tuple[int, str]]:
    """Yield a line a nodule with its level in a log: a warning where something is wrong."""
    for case in cases:
        name = printable(case.case_id)
        for warning in case.warnings:
            yield logging.WARNING, f"{name}: {warning.code}: {warning.message}"
        for nodule in case.nodules:
            yield from _nodule_lines(f"{name}, nodule {printable(nodule.nodule_id)}", nodule)


def _nodule_lines(name: str, nodule: NoduleResult) -> Iterator[tuple[int, str]]:
    if nodule.probabilities is not None:
        scores = [f"malignant {nodule.probabilities.malignant:.3f}", f"benign {nodule.probabilities.benign:.3f}"]
        scores += [] if nodule.size_only is None else [f"by size only {nodule.size_only.malignant:.3f} malignant"]
        about = [each.in_words for each in (nodule.prevalence, nodule.patient) if each is not None]
        yield logging.INFO, f"{name}: {'; '.join([', '.join(scores), *about])}"
    for flag in nodule.flags:
        yield logging.WARNING, f"{name}: flagged: {flag.code}: {flag.message}"
    if nodule.problem is not None:
        yield logging.WARNING, f"{name}: not scored: {nodule.problem.code}: {nodule.problem.message}"
