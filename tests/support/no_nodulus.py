"""A Python that has MONAI and everything else that is installed here, but not nodulus."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path


def make_python_without_nodulus(folder: Path) -> Path:
    """Return the Python of a new virtual environment that sees all packages of this one but nodulus.

    Each package is a link, so that neither a folder of nodulus' code nor the finder of an editable install is seen.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = (folder / "lib").glob("python*/site-packages")
    for place in dict.fromkeys(
        Path(path) for path in sys.path if Path(path).name in ("site-packages", "dist-packages")
    ):
        for package in place.iterdir():
            is_ours = "nodulus" in package.name or package.suffix in (".pth", ".egg-link")
            if not is_ours and not (site / package.name).exists():
                (site / package.name).symlink_to(package)
    found = subprocess.run([python, "-I", "-c", "import nodulus"], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in found.stderr, found.stderr
    return python
