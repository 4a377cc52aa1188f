"""Answers that were made before their studies were due, for those that nothing more came for."""

from __future__ import annotations

import shutil

from .looked import Looked


class LookedAhead:
    """What looking at studies gave while they were still waited for: an answer then waits for the quiet time alone."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, Looked | str]] = {}

    def keep(self, study: str, n_objects: int, looked: Looked | str) -> None:
        """Keep what a study of so many objects gave."""
        self.drop(study)
        self._found[study] = (n_objects, looked)

    def take(self, study: str, n_objects: int) -> Looked | str | None:
        """Return what a study gave if it still has so many objects, else None; it is kept no longer."""
        if study in self._found and self._found[study][0] == n_objects:
            return self._found.pop(study)[1]
        self.drop(study)
        return None

    def drop(self, study: str) -> None:
        """Forget what a study gave, and remove what was made for it."""
        _, looked = self._found.pop(study, (0, None))
        if isinstance(looked, Looked) and looked.folder is not None:
            shutil.rmtree(looked.folder, ignore_errors=True)
