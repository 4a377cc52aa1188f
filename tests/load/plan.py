"""Which studies a load sends, and how each is sent: seeded, so that a run can be made again."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from pydicom import Dataset

from tests.support.small_studies import SmallStudy, numbered

N_LATE = 3


@dataclass(frozen=True)
class Planned:
    """A study to send.

    Args:
        number: of it.
        is_late: whether its last images are sent when the others were answered.
        is_announced: whether its images say how many there are.
        n_again: objects that are sent twice.
        has_stranger: whether a sender that may not send tries to, before.
    """

    number: int
    is_late: bool
    is_announced: bool
    n_again: int
    has_stranger: bool

    def made_of(self, model: SmallStudy) -> SmallStudy:
        """Return the study."""

        def edit(image: Dataset) -> None:
            if self.is_announced:
                image.NumberOfSeriesRelatedInstances = len(model.images)

        return numbered(model, self.number, edit)


def plan(n_studies: int, seed: int) -> list[Planned]:
    """Return what is sent: a tenth late, a third announced, a fifth with copies, a twentieth after a stranger."""
    chance = Random(seed)
    return [_planned(number, chance) for number in range(1, n_studies + 1)]


def _planned(number: int, chance: Random) -> Planned:
    is_late = chance.random() < 0.1
    is_announced = not is_late and chance.random() < 0.33
    return Planned(number, is_late, is_announced, chance.choice((0, 0, 0, 0, 4)), has_stranger=chance.random() < 0.05)


def kill_points(n_kills: int, n_objects: int, seed: int) -> list[int]:
    """Return after how many acknowledgements the listener is killed, each time."""
    points = range(n_objects // 20, n_objects - n_objects // 20)
    return sorted(Random(seed + 1).sample(points, min(n_kills, len(points))))
