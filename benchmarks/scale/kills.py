"""Kills processes of a run at random points."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from pathlib import Path

import psutil

from .watch import infer, watch

# A process with torch and MONAI in it holds more.
_LOADED_MIB = 300


def kill_firsts(table: Path, output: Path, n_cases: int, n_kills: int, seed: int) -> int:
    """Kill the first process of a run so many times, go on by ``--resume`` each time, and return the kills."""
    shutil.rmtree(output, ignore_errors=True)
    chance, n_killed = random.Random(seed), 0
    for number in range(n_kills + 1):
        at = chance.randrange(n_cases) if number < n_kills else n_cases + 1

        def kill(process: psutil.Process, n_done: int, at: int = at) -> None:
            if n_done >= at:
                process.kill()

        watched = watch([infer(table, output, "--resume")], [output], kill)
        n_killed += watched.exit_codes == [-9]
        if watched.exit_codes != [-9]:
            break
    return n_killed


def kill_workers(table: Path, output: Path, n_cases: int, n_kills: int, seed: int, *how: str) -> int:
    """Kill workers of a run at so many points, and return the kills; the run itself goes on by itself."""
    shutil.rmtree(output, ignore_errors=True)
    chance = random.Random(seed)
    points = sorted(chance.sample(range(1, n_cases), n_kills))
    killed: set[int] = set()

    def kill(process: psutil.Process, n_done: int) -> None:
        if points and n_done >= points[0]:
            workers = [each for each in process.children(recursive=True) if _is_worker(each) and each.pid not in killed]
            if workers:
                points.pop(0)
                victim = chance.choice(workers)
                killed.add(victim.pid)
                with suppress(psutil.Error):
                    victim.kill()

    watch([infer(table, output, *how)], [output], kill)
    return len(killed)


def _is_worker(process: psutil.Process) -> bool:
    """Return whether a process scores for another and has loaded the model."""
    with suppress(psutil.Error):
        words = " ".join(process.cmdline())
        is_one = words.startswith("ray::RayScorer") or "spawn_main" in words
        return is_one and process.memory_info().rss > _LOADED_MIB * 2**20
    return False
