"""What is installed is what the tree holds, and nobody imports around it."""

from __future__ import annotations

import ast
import sys
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
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in (*FOLDERS, "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if _imported_root(node) in FOLDERS
    ]
    assert offenders == []


def _imported_root(node: ast.AST) -> str | None:
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return node.module.split(".")[0]
    if isinstance(node, ast.Import):
        return next((alias.name.split(".")[0] for alias in node.names if alias.name.split(".")[0] in FOLDERS), None)
    return None
