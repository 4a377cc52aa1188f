"""A bundle whose network runs from an export; torch and MONAI are not loaded for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nodulus.pipeline.audit.export_manifest import ExportedEngine

from .light_plan import LightPlan
from .sessions import PACKAGE_OF, Session, engine_version


@dataclass(frozen=True, eq=False)
class LightModel:
    """A network's export between the steps of its bundle's config, all of them without MONAI; a ``Model``."""

    engine: ExportedEngine
    plan: LightPlan
    session: Session
    export_sha256: str
    device: str = "cpu"

    @property
    def software(self) -> tuple[str, ...]:
        """Return the packages that compute, with their versions, and which export."""
        package = f"{PACKAGE_OF[self.engine]} {engine_version(self.engine)}"
        return (package, f"numpy {np.__version__}", f"export {self.export_sha256}")

    def score(self, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return what is read out of some work items, in their order."""
        images, facts = zip(*map(self.plan.prepare, items), strict=True)
        outputs = self.session(np.stack(images))
        read = zip(outputs.tolist(), facts, items, strict=True)
        return [self.plan.read(row, of, item) for row, of, item in read]
