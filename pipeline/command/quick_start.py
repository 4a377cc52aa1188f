"""Starts and ends the `nodulus infer` process fast: MONAI loads without what scoring never touches."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import NoReturn

FULL_START_VARIABLE = "NODULUS_FULL_START"

# MONAI imports these where they are installed, and does without where they are not. Together they take half of its
# import (1.4 of 3.1 s): training's engine, plots, tables, and an ultrasound transform's filter.
EXTRAS = ("ignite", "matplotlib", "scipy.signal", "scipy.stats", "pandas", "sklearn", "tensorboard", "mlflow")


class ExtrasLeftOut(MetaPathFinder):
    """Says that the extras are not installed, to MONAI only and only while it loads; anyone else gets them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse an extra while MONAI loads, else leave the search to the next finder."""
        if _monai_is_loading() and any(fullname == name or fullname.startswith(f"{name}.") for name in EXTRAS):
            msg = f"{fullname} is left out of `nodulus infer` for a fast start: set {FULL_START_VARIABLE}=1 to have it"
            raise ModuleNotFoundError(msg, name=fullname)
        return None


def leave_extras_out() -> None:
    """Let MONAI load without its extras in this process, unless the user wants it whole."""
    if not os.environ.get(FULL_START_VARIABLE):
        sys.meta_path.insert(0, ExtrasLeftOut())


def exit_at_once(code: int) -> NoReturn:
    """End the process without taking 2000 modules apart first, which takes 0.5 s and frees what ends with it anyway."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):  # whoever read it has left
            stream.flush()
    os._exit(code)


def _monai_is_loading() -> bool:
    """Return whether MONAI's package is being imported: it defines ``__all__`` once its submodules are loaded."""
    monai = sys.modules.get("monai")
    return monai is not None and not hasattr(monai, "__all__")
