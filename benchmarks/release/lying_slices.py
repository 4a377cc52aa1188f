"""How often slices that lie, and acquisitions that alternate, are seen, and how often honest ones are taken for them.

``python -m benchmarks.release.lying_slices`` prints the tables. The scans are the two LIDC-IDRI series and the chest
CTA of ``NODULUS_DATA``, and the phantom, each as kernels, slice distances, doses and contrasts drawn by a seed would
show it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchmarks.places import data_dir
from nodulus.pipeline.phantom import PhantomSpec, make_phantom
from nodulus.transforms.gate.series_rules import INTERLEAVED
from nodulus.transforms.gate.value_rules import VALUES_STEADY
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.series.slab_steadiness import block_means, excess_hu
from nodulus.transforms.series.slice_samples import coarse_of
from nodulus.transforms.series.steady_values import is_unlike
from nodulus.transforms.series.unlike_neighbours import is_doubtful, n_stacks_of

Stack = NDArray[np.float32]  # Hounsfield units, (slice, row, column)
Change = Callable[[Stack], Stack]

_N_SLICES = 14
_STRIP_BLOCKS = 16  # 64 rows
_STRANGE_EVERY = 5
_AIR_HU = np.float32(-1024)

KERNELS = {"soft": -0.7, "as it is": 0.0, "sharp": 1.5, "very sharp": 3.0}
NOISE_HU = (0.0, 40.0, 100.0)
SLICES_APART = {"as it is": 1.0, "twice": 2.0, "half": 0.5, "a quarter": 0.25}

LIES: dict[str, Change] = {
    "slope 2": lambda hu: (hu - _AIR_HU) * 2 + _AIR_HU,
    "slope 1.2": lambda hu: (hu - _AIR_HU) * np.float32(1.2) + _AIR_HU,
    "slope 1.05": lambda hu: (hu - _AIR_HU) * np.float32(1.05) + _AIR_HU,
    "slope 0.5": lambda hu: (hu - _AIR_HU) * np.float32(0.5) + _AIR_HU,
    "intercept off by 1024": lambda hu: hu - _AIR_HU,
    "intercept off by 100": lambda hu: hu + 100,
    "intercept off by 24": lambda hu: hu + 24,
    "four bits lost": lambda hu: np.asarray((hu - _AIR_HU).astype(np.int32) >> 4, np.float32) + _AIR_HU,
    "sign lost": lambda hu: np.where(hu < 0, hu + 65536, hu),
    "another patient's": lambda hu: np.roll(hu[::-1], hu.shape[1] // 3, axis=1),
}


def main() -> int:
    """Print the tables; return 1 where an honest stack was taken for a lying one."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--shown", type=int, default=20, help="how often each stack is shown otherwise (%(default)s)"
    )
    arguments.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    options = arguments.parse_args()
    honest, lies, phases = Counts(), Counts(), Counts()
    chance = np.random.default_rng(options.seed)
    for name, stack in _stacks():
        for _ in range(options.shown):
            shown = _shown_otherwise(stack, chance)
            _look(shown, honest, lies)
            _look_for_phases(shown, honest, phases, chance)
        sys.stderr.write(f"{name}\n")
    sys.stdout.write(honest.table("honest", "taken for lies"))
    sys.stdout.write(lies.table("one slice's lie", "seen"))
    sys.stdout.write(phases.table("two acquisitions that alternate", "seen"))
    return 1 if any(n_seen for n_seen, _ in honest.of.values()) else 0


class Counts:
    """How many of each kind were seen, of how many."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[int, int]] = {}

    def add(self, name: str, seen: NDArray[np.bool_] | list[bool]) -> None:
        """Count some more."""
        n_seen, n_all = self.of.get(name, (0, 0))
        self.of[name] = n_seen + int(np.sum(seen)), n_all + int(np.size(seen))

    def table(self, what: str, said: str) -> str:
        """Return a row a kind."""
        rows = [f"| {name} | {n} | {seen} | {seen / n:.1%} |" for name, (seen, n) in self.of.items()]
        return "\n".join([f"| {what} | n | {said} | share |", "| --- | ---: | ---: | ---: |", *rows, "", ""])


def _stacks() -> Iterator[tuple[str, Stack]]:
    """Yield stacks of neighbouring slices, from several heights of each scan."""
    data = data_dir()
    for path in (*sorted((data / "lidc_dicom").glob("*.zip")), data / "chest_nifti" / "chest_cta.nii.gz"):
        volume = open_ct(path)
        n_slices = volume.grid.size_xyz[2]
        for part in (0.3, 0.6):
            start = int(part * n_slices)
            yield f"{path.name} {start}", _as_stack(volume.read_slab(start, start + _N_SLICES))
    phantom = make_phantom(PhantomSpec(noise_hu=0)).intensity_hu
    middle = phantom.shape[2] // 2
    yield "phantom", _as_stack(phantom[:, :, middle : middle + _N_SLICES].astype(np.float32))


def _as_stack(slab_xyz: NDArray[np.float32]) -> Stack:
    return np.ascontiguousarray(slab_xyz.transpose(2, 1, 0))


def _shown_otherwise(stack: Stack, chance: np.random.Generator) -> Stack:
    """Return a stack as another kernel, slice distance, dose or contrast would show it."""
    sharper = np.float32(chance.choice(list(KERNELS.values())))
    by_kernel = stack + sharper * (stack - gaussian_filter(stack, (0, 1, 1))) if sharper else stack
    spaced = _respaced(by_kernel, float(chance.choice(list(SLICES_APART.values()))))
    if chance.random() < 0.5:
        spaced = spaced + np.float32(150) * ((spaced > 20) & (spaced < 120))
    noise = np.float32(chance.choice(NOISE_HU)) * chance.standard_normal(spaced.shape, dtype=np.float32)
    return np.asarray(np.clip(spaced + noise, _AIR_HU, 3071))


def _respaced(stack: Stack, apart: float) -> Stack:
    """Return slices further apart, each the mean of what it covers, or nearer, between those that are there."""
    if apart >= 1:
        n = int(apart)
        whole = len(stack) // n * n
        return np.asarray(stack[:whole].reshape(-1, n, *stack.shape[1:]).mean(axis=1), np.float32)
    places = np.arange(0, (len(stack) - 1) / 2, apart)  # half of it, or there would be many
    low = places.astype(int)
    part = (places - low).astype(np.float32)[:, None, None]
    return np.asarray(stack[low] + part * (stack[low + 1] - stack[low]), np.float32)


def _look(shown: Stack, honest: Counts, lies: Counts) -> None:
    """Count what the looks at stored values, and at changing headers, say of honest slices and of lies."""
    blocks = block_means(shown.transpose(2, 1, 0))
    coarse = [coarse_of(hu[::2, ::2]) for hu in shown]
    honest.add("a slice about a box, under one header", _is_strange(blocks))
    ks = range(1, len(shown) - 1)
    unlike = [is_unlike(coarse[k], coarse[k - 1], coarse[k + 1], 0.5) for k in ks]
    honest.add("a slice whose header differs", unlike)
    for name, lie in LIES.items():
        for k in ks[::_STRANGE_EVERY]:
            said = lie(shown[k])
            run = blocks[k - 1 : k + 2].copy()
            run[1] = block_means(said.T[:, :, None])[0]
            lies.add(f"{name}, under one header", _is_strange(run))
            lies.add(
                f"{name}, stated by the header",
                [is_unlike(coarse_of(said[::2, ::2]), coarse[k - 1], coarse[k + 1], 0.5)],
            )


def _is_strange(blocks: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each strip of rows and slice whether the values of the slice are refused."""
    strips = [blocks[:, start : start + _STRIP_BLOCKS] for start in range(0, blocks.shape[1], _STRIP_BLOCKS)]
    return np.array([excess_hu(strip) > VALUES_STEADY["and_by"] for strip in strips if strip.shape[1] >= _STRIP_BLOCKS])


def _look_for_phases(shown: Stack, honest: Counts, phases: Counts, chance: np.random.Generator) -> None:
    """Count in what runs two stacks are seen: in one stack, and in two that alternate."""
    between = (shown[1:] + shown[:-1]) / 2
    seconds = {
        "moved by two slices": between[2:],
        "60 HU of contrast": between + np.float32(60) * ((between > -100) & (between < 200)),
        "another dose": between + np.float32(60) * chance.standard_normal(between.shape, dtype=np.float32),
    }
    honest.add("a run of slices", _has_two(list(shown)))
    for name, second in seconds.items():
        run = [hu for pair in zip(shown, second, strict=False) for hu in pair]
        phases.add(name, _has_two(run))


def _has_two(slices: list[Stack]) -> list[bool]:
    """Return of every run of a stack whether it is taken for two."""
    coarse = [coarse_of(hu[::2, ::2]) for hu in slices]
    length = min(int(INTERLEAVED["run"]), len(coarse))
    return [
        is_doubtful(coarse[start + length // 2 - 1 : start + length // 2 + 2])
        and n_stacks_of(coarse[start : start + length]) > 1
        for start in range(len(coarse) - length + 1)
    ]


if __name__ == "__main__":
    sys.exit(main())
