"""The head of results.json: when, with which software, with which bundle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from nodulus import __version__
from nodulus.pipeline.bundle.identity import BundleIdentity

from .record import CaseResult, Results, Software

# What runs the network where nobody asks for another.
ENGINE = "torch"


def results_of(cases: Iterable[CaseResult], bundle: BundleIdentity, engine: str = ENGINE) -> Results:
    """Return the record of a run over some cases, stamped with the time (UTC), the software, the bundle, the engine."""
    return Results(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        software=Software(name="nodulus", version=__version__),
        bundle=bundle,
        engine=engine,
        cases=tuple(cases),
    )
