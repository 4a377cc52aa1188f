"""The `nodulus` command: its doors, and the exit code that each way of ending has."""

from __future__ import annotations

import errno
import os
import sys

import typer
from typer.exceptions import TyperException

from nodulus.pipeline.exit_codes import ExitCode
from nodulus.pipeline.pacs.errors import ArchiveError
from nodulus.transforms.problems import UsageError, causes_of, internal_error, refusal_in

from .bundle import bundle
from .calibrate import calibrate
from .check import check
from .demo import demo
from .detect import detect
from .evaluate import evaluate
from .help_text import with_brackets
from .infer import infer
from .info import info
from .listen import listen
from .log_errors import log_errors
from .merge import merge
from .pacs import pacs
from .prepare import prepare
from .quick_start import exit_at_once, leave_extras_out
from .say import escape_what_cannot_be_encoded, say
from .stopping import heed_signals, is_stopping
from .train import train
from .version import VersionOption

DEBUG_VARIABLE = "NODULUS_DEBUG"

# Of a disk, a user's share of it, and the largest file that a process may write.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

app = typer.Typer(
    name="nodulus",
    help="Lung nodules in chest CT: how likely is each benign or malignant? Research software, not a medical device.",
    epilog="Exit codes: 0 all scored, 1 internal error, 2 usage, 3 input refused, 4 some cases or nodules not scored,"
    " 5 archive failed, 130 stopped.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback()
def _nodulus(version: VersionOption = False) -> None:
    """Take the options that stand before a command."""


app.command()(demo)
app.command()(check)
app.command()(detect)
app.command()(infer)
app.command()(merge)
app.command()(pacs)
app.command()(listen)
app.add_typer(prepare, name="prepare")
app.command()(train)
app.command()(calibrate)
app.command()(evaluate)
app.command()(info)
app.add_typer(bundle, name="bundle")


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its code; an error is one line on standard error."""
    heed_signals()
    log_errors()
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] != ["infer"]:
        sys.exit(run(words))
    leave_extras_out()
    exit_at_once(run(words))


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code."""
    escape_what_cannot_be_encoded()
    try:
        command = with_brackets(app)
        outcome = command(["--help"] if arguments == [] else arguments, prog_name=app.info.name, standalone_mode=False)
    except TyperException as error:
        return _fail(f"{error.format_message()} (nodulus --help says more)", ExitCode.USAGE)
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        outcome = ExitCode.STOPPED
    except Exception as error:
        if is_stopping():  # a library took the interrupt for an error of its own
            return _fail("stopped", ExitCode.STOPPED)
        message, code = _explain(error)
        if code == ExitCode.INTERNAL_ERROR and os.environ.get(DEBUG_VARIABLE):
            raise
        return _fail(message, code)
    if outcome == ExitCode.STOPPED:  # typer turns Ctrl-C into this code and says nothing
        return _fail("stopped", ExitCode.STOPPED)
    return outcome if isinstance(outcome, int) else ExitCode.OK


def _explain(error: Exception) -> tuple[str, ExitCode]:
    """Return what to say of an error and the exit code."""
    refusal = refusal_in(error)
    if refusal is not None:
        return str(refusal), ExitCode.USAGE if isinstance(refusal, UsageError) else ExitCode.INPUT_REFUSED
    if isinstance(error, ArchiveError):
        return str(error), ExitCode.ARCHIVE_FAILED
    full = next((cause for cause in causes_of(error) if isinstance(cause, OSError) and cause.errno in DISK_FULL), None)
    if full is not None:
        return f"Expected room for {full.filename or 'what is written'}, got: {full.strerror}", ExitCode.USAGE
    message = f"internal error: {internal_error(error)} (set {DEBUG_VARIABLE}=1 for the traceback)"
    return message, ExitCode.INTERNAL_ERROR


def _fail(message: str, code: ExitCode) -> int:
    say(f"nodulus: {message}", err=True)
    return code
