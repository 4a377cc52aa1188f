"""Ray waits longer for its own processes than it would by itself: the machine may be busy with other tests."""

from __future__ import annotations

import os

os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # read when Ray is loaded
