"""The heart's great vessels, gullet and windpipe, as lines through the mediastinum."""

from __future__ import annotations

from .tubes import Tube

TRACHEA_WALL_MM = 1.6

# Where lung vessels and airways take off: LPS millimetres of the right and the left lung.
ARTERY_ROOTS_MM = ((-37.0, 4.0, 6.0), (40.0, 17.0, 20.0))
VEIN_ROOTS_MM = ((-30.0, 9.0, -12.0), (34.0, 13.0, -10.0))
BRONCHUS_ROOTS_MM = ((-36.0, 13.0, 4.0), (40.0, 20.0, 3.0))


def great_vessels() -> list[Tube]:
    """Arteries and veins outside the lungs."""
    return [*_arteries(), *_pulmonary_trunk(), *_veins()]


def _arteries() -> list[Tube]:
    aorta = [(6, -22, -24), (-8, -26, 6), (-9, -22, 34), (-2, -12, 54), (11, 8, 61), (20, 24, 54), (24, 35, 36)]
    aorta += [(25, 38, 10), (24, 42, -30), (22, 43, -62), (15, 35, -98), (7, 24, -125), (5, 20, -150)]
    calibre = [15.5, 16, 15.5, 14.5, 13.5, 13, 12.5, 12.5, 12, 11.5, 11.5, 11, 10.5]
    branches = [
        ([(-3, -14, 60), (-10, -14, 80), (-20, -14, 105), (-24, -16, 140)], [6.5, 6, 5, 4]),
        ([(6, -2, 66), (14, -6, 90), (18, -14, 118), (20, -20, 142)], [4.2, 4, 3.6, 3.4]),
        ([(14, 12, 66), (24, 6, 92), (36, -6, 112), (70, -14, 124)], [5.2, 5, 4.6, 4.2]),
        ([(-18, -14, 104), (-40, -10, 116), (-75, -14, 124)], [4.8, 4.6, 4.2]),
    ]
    return [Tube.through(aorta, calibre), *(Tube.through(points, radii) for points, radii in branches)]


def _pulmonary_trunk() -> list[Tube]:
    return [
        Tube.through([(24, -42, -20), (22, -34, -2), (19, -18, 15), (20, -4, 22)], [13.5, 13.5, 13, 11.5]),
        Tube.through([(18, -10, 18), (0, -1, 16), (-22, 3, 12), ARTERY_ROOTS_MM[0]], [10.5, 10, 9.5, 8]),
        Tube.through([(20, -6, 21), (30, 7, 25), ARTERY_ROOTS_MM[1]], [10.5, 10, 8]),
        # The left atrium, and the veins that enter it.
        Tube.through([(-14, 12, -20), (2, 13, -20), (18, 14, -20)], [15, 16.5, 15]),
        Tube.through([(-12, 11, -18), VEIN_ROOTS_MM[0]], [8, 7]),
        Tube.through([(16, 13, -18), VEIN_ROOTS_MM[1]], [8, 7]),
    ]


def _veins() -> list[Tube]:
    return [
        Tube.through([(-25, -20, 72), (-27, -17, 40), (-26, -13, 5), (-24, -10, -14)], [8, 9, 9, 10]),
        Tube.through([(-25, -19, 70), (-2, -33, 75), (22, -30, 92), (42, -24, 112)], [7, 6.5, 6, 5.5]),
        Tube.through([(-26, -18, 72), (-32, -18, 96), (-44, -22, 114)], [7, 6.5, 5.5]),
        Tube.through([(-20, -4, -50), (-22, 2, -78), (-22, 8, -110), (-20, 14, -150)], [12, 12, 11.5, 11]),
        # The azygos vein arches over the right main bronchus.
        Tube.through(
            [(-5, 30, -145), (-7, 31, -60), (-8, 25, 25), (-20, 16, 44), (-26, -8, 42)], [3.4, 3.8, 4, 4.4, 4.6]
        ),
        # Veins and nodes of the armpits.
        *(Tube.through([(s * 96, -24, 108), (s * 118, -12, 70), (s * 122, -4, 40)], [4.5, 4, 3]) for s in (-1, 1)),
        *(Tube.through([(s * 126, -16, 60), (s * 128, -17, 64)], [3.6, 3.6]) for s in (-1, 1)),
    ]


def lymph_nodes() -> list[Tube]:
    """A few small nodes in the mediastinal fat."""
    places = [(-13, 3, 44, 3.4), (-8, -10, 60, 2.8), (16, 4, 40, 3.0), (4, 14, 20, 4.2), (-20, -30, 52, 2.6)]
    return [Tube.through([(x, y, z - 2), (x + 1, y, z + 2)], [radius, radius]) for x, y, z, radius in places]


def gullet() -> Tube:
    """The oesophagus, behind the windpipe and then before the aorta, down to the stomach."""
    line = [
        (6, -8, 142),
        (6, 1, 100),
        (6, 14, 60),
        (7, 22, 24),
        (5, 27, -20),
        (8, 26, -58),
        (20, 12, -92),
        (34, 0, -106),
    ]
    return Tube.through(line, [7, 7, 7, 6.5, 6.5, 7, 7.5, 8])


def airways() -> list[Tube]:
    """Lumen of windpipe and main bronchi."""
    carina = (1.0, 9.0, 35.0)
    return [
        Tube.through([(0, -22, 146), (0, -12, 100), (1, -1, 66), carina], [8.2, 8.4, 8.6, 8.6]),
        Tube.through([carina, (-17, 12, 20), BRONCHUS_ROOTS_MM[0]], [7.6, 7, 6.4]),
        Tube.through([carina, (19, 15, 18), BRONCHUS_ROOTS_MM[1]], [7.2, 6.4, 5.6]),
    ]
