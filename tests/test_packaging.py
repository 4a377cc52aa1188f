"""What is installed is what the tree holds, and nobody imports around it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import nodulus.pipeline
import nodulus.transforms

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("pipeline", "transforms")


def test_every_package_folder_is_in_the_package_list() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {
        "nodulus." + ".".join(init.parent.relative_to(ROOT).parts)
        for folder in FOLDERS
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert found == listed


def test_both_folders_resolve_below_the_namespace() -> None:
    assert nodulus.pipeline.__name__ == "nodulus.pipeline"
    assert nodulus.transforms.__name__ == "nodulus.transforms"
    assert getattr(nodulus, "__file__", None) is None, "nodulus is a namespace: it has no __init__.py"


def test_nobody_imports_the_bare_folders() -> None:
    # From the repository's root `import transforms` resolves too, to a second copy of every class.
    offenders = [
        f"{path.relative_to(ROOT)}:{statement.lineno}"
        for folder in (*FOLDERS, "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for statement in ast.walk(ast.parse(path.read_text()))
        if isinstance(statement, ast.Import | ast.ImportFrom) and _imported_root(statement) in FOLDERS
    ]
    assert offenders == []


def _imported_root(statement: ast.Import | ast.ImportFrom) -> str | None:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module or "").split(".")[0] if statement.level == 0 else None
    return next((name for alias in statement.names if (name := alias.name.split(".")[0]) in FOLDERS), None)


def test_wheel_built_from_the_sdist_holds_both_folders_and_no_bundle(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)  # the sdist, and from it the wheel
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
        archive.extractall(tmp_path / "wheel")
    patterns = ("*.py", "templates/*")
    sources = {
        f"nodulus/{path.relative_to(ROOT)}"
        for folder in FOLDERS
        for pattern in patterns
        for path in (ROOT / folder).rglob(pattern)
    }
    assert sources | {"nodulus/pipeline/py.typed", "nodulus/transforms/py.typed"} <= packed
    assert not [name for name in packed if name.startswith(("bundles", "tests")) or name == "nodulus/__init__.py"]

    script = "import nodulus.pipeline.scoring.results, nodulus.transforms.patches.patch as p; print(p.__file__)"
    search = {**os.environ, "PYTHONPATH": str(tmp_path / "wheel")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=search, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "wheel")
