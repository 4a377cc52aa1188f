"""A connection to a Ray cluster, or one of this machine alone that lasts as long as it is used."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from nodulus.transforms.problems import UsageError

# What an address may say instead of a machine: one is started here; the one that runs here, or that RAY_ADDRESS names.
LOCAL, RUNNING = "local", "auto"
# No voxels go through the object store; this is close to the least that Ray takes.
_STORE_BYTES = 100 << 20


def check_address(address: str) -> None:
    """Raise UsageError unless Ray is installed and an address is one that it can be reached by."""
    if find_spec("ray") is None:  # looked for only: it reads its environment when it is loaded
        raise UsageError("Expected Ray to be installed beside --ray, got none: pip install 'nodulus[ray]'")
    host, _, port = address.rpartition(":")
    if address not in (LOCAL, RUNNING) and not (host and "/" not in host and port.isdigit()):
        got = f"got '{address}'"
        hint = " (from outside the cluster: ray job submit)" if address.startswith("ray://") else ""
        raise UsageError(f"Expected --ray {LOCAL}, {RUNNING} or HOST:PORT, {got}{hint}")


@contextmanager
def connected(address: str, n_cpus: int | None) -> Iterator[int]:
    """Be connected to a cluster, and yield how many CPUs it has.

    Args:
        address: "local" starts one here, which is gone afterwards; "auto" or HOST:PORT is one that runs.
        n_cpus: of one that is started; None takes all of this machine.

    Raises:
        UsageError: no cluster answers at the address.
    """
    if address == LOCAL:
        with _started(n_cpus or os.cpu_count() or 1) as n_found:
            yield n_found
        return
    import ray

    try:
        ray.init(address=address, log_to_driver=True, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(f"Expected a Ray cluster at {address}, got none: {_first_line(error)}") from error
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


@contextmanager
def _started(n_cpus: int) -> Iterator[int]:
    # Its ports are open to the network, whatever it is told: nobody may use them who does not know this word. In the
    # environment it is not written to the home folder, and the processes that are started know it.
    if "ray" not in sys.modules:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    # Paths of sockets may have 107 bytes: of a long TMPDIR nothing would be left for the name.
    folder = tempfile.mkdtemp(prefix="nodulus-", dir="/tmp")
    try:
        try:
            ray.init(
                num_cpus=n_cpus,
                object_store_memory=_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=True,
                logging_level="ERROR",
                _temp_dir=folder,
            )
        except Exception as error:  # plain ones: its processes did not answer within half a minute
            raise UsageError(f"Expected Ray to start on this machine, got: {_first_line(error)}") from error
        yield n_cpus
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
