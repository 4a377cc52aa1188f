"""What is installed is what the tree holds, nobody imports around it, and a copy that is not installed runs too."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import pytest

import nodulus.bundles
import nodulus.pipeline
import nodulus.transforms
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.packages import FILES, HOME_OF

ROOT = Path(__file__).resolve().parent.parent

# A machine that has a copy of the code and no installation: nothing there knows which version of nodulus this is.
NOT_INSTALLED = """
import importlib.metadata as metadata, sys
find = metadata.distribution
def find_others(name):
    if name == "nodulus":
        raise metadata.PackageNotFoundError(name)
    return find(name)
metadata.distribution = find_others
sys.path.insert(0, sys.argv.pop(1))
import nodulus.pipeline.command.main as command
sys.exit(command.run(sys.argv[1:]))
"""


def test_every_package_folder_is_in_the_package_list() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {
        ".".join([*Path(home).parts, *init.parent.relative_to(ROOT / folder).parts])
        for folder, home in HOME_OF.items()
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert found == listed


def test_everybody_names_the_version_that_the_package_names() -> None:
    assert version("nodulus") == nodulus.__version__
    assert f'\nversion: "{nodulus.__version__}"\n' in (ROOT / "CITATION.cff").read_text()


def test_one_module_alone_asks_what_is_installed() -> None:
    # Whatever else asked for the version would fail in a copy that is not installed.
    asking = [
        path.relative_to(ROOT).as_posix()
        for folder in HOME_OF
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"importlib(\.| import )metadata", path.read_text())
    ]
    assert asking == ["pipeline/versions.py"]


@pytest.mark.parametrize("place", [ROOT, ROOT / "pipeline", None], ids=["the root", "a folder in it", "elsewhere"])
def test_every_place_finds_the_same_packages(place: Path | None, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FILES]
    done = subprocess.run(command, cwd=place or tmp_path, check=True, capture_output=True, text=True)
    found = [nodulus.__file__, nodulus.bundles.__file__, nodulus.pipeline.__file__, nodulus.transforms.__file__]
    assert done.stdout.split() == found


def test_nobody_imports_the_bare_folders() -> None:
    # From the repository's root `import transforms` resolves too, to a second copy of every class.
    offenders = [
        f"{path.relative_to(ROOT)}:{statement.lineno}"
        for folder in (*HOME_OF, "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for statement in ast.walk(ast.parse(path.read_text()))
        if isinstance(statement, ast.Import | ast.ImportFrom) and _imported_root(statement) in HOME_OF
    ]
    assert offenders == []


def _imported_root(statement: ast.Import | ast.ImportFrom) -> str | None:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module or "").split(".")[0] if statement.level == 0 else None
    return next((name for alias in statement.names if (name := alias.name.split(".")[0]) in HOME_OF), None)


def test_a_copy_that_is_not_installed_scores_and_says_its_version(study: DemoStudy, tmp_path: Path) -> None:
    code = tmp_path / "code"
    for folder, home in HOME_OF.items():
        shutil.copytree(ROOT / folder, code / home, dirs_exist_ok=True)
    init = code / "nodulus" / "__init__.py"
    init.write_text(init.read_text().replace(nodulus.__version__, "7.8.9"))
    arguments = [str(study.dicom_folder), "--nodules", str(study.nodule_table)]
    command = [sys.executable, "-I", "-c", NOT_INSTALLED, str(code), "infer", *arguments, "-o", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = read_results(tmp_path / "out" / "results.json")
    assert results.software.version == "7.8.9"
    assert all(nodule.probabilities for nodule in results.cases[0].nodules)


@pytest.mark.parametrize("index", ["", "https://example.invalid/cpu"])
def test_make_takes_torch_and_nothing_else_from_another_index(index: str, tmp_path: Path) -> None:
    # Nothing is made: make says what it would run.
    command = ["make", "-n", f"VENV={tmp_path}", f"TORCH_INDEX={index}", f"{tmp_path}/.demo"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    named = [line for line in done.stdout.splitlines() if "PIP_INDEX_URL" in line]
    assert [line.split()[-1] for line in named] == (["torch"] if index else [])
    assert all(f'PIP_INDEX_URL="{index}" ' in line for line in named)
