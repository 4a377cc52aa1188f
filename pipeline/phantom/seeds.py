"""Random numbers by name: each thing drawn has a stream of its own, so that changing one leaves the others alone."""

from __future__ import annotations

import zlib

import numpy as np


def named_random(seed: int, name: str) -> np.random.Generator:
    """A generator for one purpose of one phantom."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
