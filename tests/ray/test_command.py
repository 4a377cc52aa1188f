"""`nodulus infer --ray` gives the bytes of one process, whichever of its processes and machines is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from nodulus.pipeline.phantom.demo_study import DemoStudy
from tests.support.case_runs import ends, wait_until_scored
from tests.support.cases_table import final_files, n_lines, start_infer, unbroken_files, write_cases_table

pytest.importorskip("ray", reason="Ray is an extra: make test-ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own

N_CASES, GONE = 12, 5


@pytest.fixture(scope="module")
def table(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cases_table(tmp_path_factory.mktemp("cases"), study, N_CASES, GONE)


@pytest.fixture(scope="module")
def serial(table: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return unbroken_files(table, tmp_path_factory.mktemp("serial"), in_any_order=True)


def start(table: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    return start_infer(table, out, "--jobs", "2", "--quiet", *more)


def processes(name: bytes) -> list[int]:
    """Return the processes whose command begins so; a Ray worker's says what it is at."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            is_it = path.read_bytes().startswith(name)
        except OSError:  # it has ended since
            continue
        found += [int(path.parent.name)] if is_it else []
    return found


def test_two_actors_give_the_bytes_of_one_process_though_one_is_killed(
    table: Path, serial: dict[str, str], tmp_path: Path
) -> None:
    process = start(table, tmp_path, "--ray", "local")
    wait_until_scored(process, tmp_path, 2)
    os.kill(processes(b"ray::RayScorer")[0], signal.SIGKILL)
    said = process.communicate(timeout=900)[1]
    assert process.returncode == 4, said
    assert final_files(tmp_path, in_any_order=True) == serial


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_process_and_goes_on(
    number: signal.Signals, table: Path, serial: dict[str, str], tmp_path: Path
) -> None:
    process = start(table, tmp_path, "--ray", "local")
    wait_until_scored(process, tmp_path, 2)
    scorers, agents = (processes(name) for name in (b"ray::RayScorer", b"ray::"))
    process.send_signal(number)
    said = process.communicate(timeout=900)[1].splitlines()
    assert process.returncode == (-number if number == signal.SIGKILL else 130), said
    assert scorers
    assert ends(scorers)
    # Ray's own agents look for their killed parent from time to time: 36 to 67 s were seen.
    assert ends(agents, within_s=180)
    assert not (tmp_path / "results.json").exists()
    assert n_lines(tmp_path) >= 3
    process = start(table, tmp_path, "--ray", "local", "--resume")
    said = process.communicate(timeout=900)[1].splitlines()
    assert process.returncode == 4, said
    assert final_files(tmp_path, in_any_order=True) == serial


def test_a_cluster_that_loses_a_machine_loses_no_case(table: Path, serial: dict[str, str], tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=small)
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
        cluster.wait_for_nodes()
        process = start(table, tmp_path, "--ray", cluster.address)
        wait_until_scored(process, tmp_path, 2)
        cluster.remove_node(second, allow_graceful=False)
        said = process.communicate(timeout=900)[1]
        assert process.returncode == 4, said
        assert final_files(tmp_path, in_any_order=True) == serial
    finally:
        cluster.shutdown()
