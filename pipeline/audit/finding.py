"""One thing that an audit found, where it stands, and why it is refused, if it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from nodulus.transforms.problems import printable

_MOST_SHOWN = 160


class Kind(str, Enum):
    """What was found; the value is what the JSON of an audit carries."""

    EXPRESSION = "expression"
    IMPORT = "import"
    TARGET = "target"
    MODE = "mode"
    ARGUMENT = "argument"
    MACRO = "macro"
    REFERENCE = "reference"
    LOGGING = "logging"
    SCRIPT = "script"
    NATIVE_CODE = "native code"
    CHECKPOINT = "checkpoint"
    TORCHSCRIPT = "TorchScript"
    ONNX = "ONNX"
    OPENVINO = "OpenVINO"
    EXPORT = "export"
    TEXT = "text"
    NAME = "name"
    LINK = "link"
    FILE = "file"
    HASH = "hash"
    CALIBRATION = "calibration"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Finding:
    """One thing that a bundle would run, write or name.

    Args:
        file: its place in the bundle.
        key: where in the file; empty where the file as a whole is meant.
        kind: what it is.
        found: its text, as it stands there.
        problem: why it is refused; empty where it is on the allow-list.
    """

    file: str
    key: str
    kind: Kind
    found: str
    problem: str = ""

    @property
    def is_allowed(self) -> bool:
        """Whether the allow-list has it."""
        return not self.problem

    def __str__(self) -> str:
        where = shown(f"{self.file}, {self.key}" if self.key else self.file)
        what = f"{self.kind} {shown(self.found)}".rstrip()
        return f"{where}: {what}" + (f" ({shown(self.problem)})" if self.problem else "")


def shown(text: str) -> str:
    """Return a text that is safe to print on one line: of letters that may look like others, the numbers."""
    plain = printable(text.encode("ascii", "backslashreplace").decode("ascii"))
    return plain if len(plain) <= _MOST_SHOWN else f"{plain[:_MOST_SHOWN]}..."
