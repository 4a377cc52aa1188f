"""The code of this installation as it travels in a bundle, which then runs where nodulus is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

# `package/` is `nodulus` itself; the halves lie elsewhere in a checkout.
_PACKAGES = ("nodulus", "nodulus.pipeline", "nodulus.transforms")
CODE_FOLDER = "nodulus"


def own_code() -> dict[str, Path]:
    """Return every file of nodulus' code by its name in a bundle: `nodulus/pipeline/files.py`."""
    found: dict[str, Path] = {}
    for package in _PACKAGES:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            found |= _files(Path(folder), package.replace(".", "/"), is_root=package == CODE_FOLDER)
    return dict(sorted(found.items()))


def _files(folder: Path, name: str, *, is_root: bool) -> dict[str, Path]:
    """Return a package's files; of the root only its own, as what lies below it in a wheel comes by its own name."""
    paths = folder.glob("*") if is_root else folder.rglob("*")
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for path in paths
        if path.is_file() and (path.suffix == ".py" or path.name == "py.typed" or path.parent.name == "templates")
    }
