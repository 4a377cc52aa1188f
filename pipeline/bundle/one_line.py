"""How a refusal ends MONAI's command: in one line, with the exit code that `nodulus` has for it."""

from __future__ import annotations

import sys
from types import TracebackType

from nodulus.pipeline.exit_codes import ExitCode
from nodulus.transforms.problems import UsageError, refusal_in

MONAI_COMMAND = "monai.bundle.__main__"


def end_in_one_line() -> None:
    """Let what refuses the input end `python -m monai.bundle` with its message instead of MONAI's calls around it.

    The configs call it first of what they run: before that, MONAI does not find the code of a packed bundle. In any
    other process it changes nothing: there the error is raised as MONAI wraps it, and the caller may catch it.
    """
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name == MONAI_COMMAND:
        sys.excepthook = end_with


def end_with(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """End the process for an error that nobody caught; one that refuses nothing is shown as Python shows it."""
    refusal = refusal_in(error)
    if refusal is None:
        sys.__excepthook__(kind, error, traceback)
        return
    print(f"nodulus: {refusal}", file=sys.stderr)  # noqa: T201 - the command's last word
    raise SystemExit(ExitCode.USAGE if isinstance(refusal, UsageError) else ExitCode.INPUT_REFUSED)
