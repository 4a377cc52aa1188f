"""What the code knows, it says in one place: found by reading the sources."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for folder in ("pipeline", "transforms", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("ConfigDict(", "pipeline/records.py"),
        ("hashlib.sha256()", "pipeline/files.py"),
        ('"high_sensitivity"', "pipeline/statistics/operating_points.py"),
        ('"high_specificity"', "pipeline/statistics/operating_points.py"),
        ("\nTriple = ", "transforms/geometry.py"),
        ("csv.writer(", "pipeline/csv_files.py"),
        ("def patient_key(", "pipeline/data/patient_ids.py"),
    ],
)
def test_it_is_said_once(text: str, home: str) -> None:
    assert [name for name, source in SOURCES.items() if text in source] == [home]


def test_files_are_hashed_by_the_one_function() -> None:
    hashing = [name for name, source in SOURCES.items() if "sha256(" in source and "read_bytes()).hex" in source]
    assert hashing == []


def test_all_errors_are_caught_where_a_run_ends_and_nowhere_else() -> None:
    """What a handler cleans up after and raises again is not caught."""
    catching = [name for name, source in SOURCES.items() if any(map(_is_broad, ast.walk(ast.parse(source))))]
    assert [name for name in catching if not name.startswith("benchmarks/")] == [
        "pipeline/command/main.py",
        "pipeline/deploy/__main__.py",  # as the command ends, in an application of its own
        "pipeline/detection/detector.py",  # what a foreign bundle's network makes of its own config
        "pipeline/detection/torchvision_names.py",  # one for another build of torch raises RuntimeError
        "pipeline/listener/bounded_server.py",  # one connection's fault ends that connection
        "pipeline/listener/listener.py",  # one study's fault parks that study
        "pipeline/listener/receiver.py",  # one object's fault refuses that object
        "pipeline/listener/scoring_process.py",  # which the parent records
        "pipeline/scoring/ray_cluster.py",  # plain ones: Ray's own processes did not answer
        "pipeline/scoring/ray_workers.py",  # which the driver records
        "pipeline/scoring/remote_scan.py",  # of whatever library serves the protocol
        "pipeline/scoring/scorer.py",  # a batch goes on past a fault, and records it
        "pipeline/scoring/worker.py",  # which the parent raises
    ]


def _is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return isinstance(node, ast.Call) and ast.unparse(node).startswith(("suppress(Exc", "contextlib.suppress(Exc"))
    kinds = {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)} if node.type else {"Exception"}
    last = node.body[-1]
    return bool(kinds & {"Exception", "BaseException"}) and not (isinstance(last, ast.Raise) and last.exc is None)
