"""The receiver does without what scores: its memory is the objects', and no acknowledgement waits for an import."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import pickle, sys
import nodulus.pipeline.command.main
from nodulus.pipeline.listener import listener, make_answerer, receiver, target
from nodulus.pipeline.listener.looked import Looked
pickle.loads(pickle.dumps(Looked(codes=("no_marks",))))
print([name for name in ("torch", "monai", "matplotlib", "highdicom", "SimpleITK") if name in sys.modules])
"""


def test_the_receiver_loads_nothing_that_scores() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
