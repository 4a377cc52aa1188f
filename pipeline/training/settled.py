"""What a run was begun with, and may not be resumed without: its nodules, its first weights, what it freezes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nodulus.pipeline.data.data_list import DataListFile
from nodulus.pipeline.files import sha256_of, write_text
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.records import Record
from nodulus.transforms.problems import UsageError

from .begin import INIT_PATIENTS

DATA_HASH = "data_hash.txt"
BEGUN_WITH = "begun_with.json"


class BegunWith(Record):
    """How a run began.

    Args:
        init: name of the file of weights, None where they were random.
        init_sha256: of that file.
        freeze_until: the first stage that learns, None where it is as ``train.json`` says.
    """

    init: str | None = None
    init_sha256: str | None = None
    freeze_until: str | None = None


def settle_data(data_list: DataListFile, output_dir: Path, *, is_resumed: bool) -> None:
    """Note which nodules a run was begun with, or refuse to resume it with others.

    The patients that trained the weights are told from the list at the end: those of another list would be wrong.

    Raises:
        UsageError: the run was begun with another list.
    """
    path, digest = output_dir / DATA_HASH, data_list.data_hash
    if is_resumed and path.is_file() and (before := path.read_text(encoding="utf-8").strip()) != digest:
        raise UsageError(
            f"Expected the data list that the run in {output_dir} was begun with, SHA-256 {before[:12]}, got "
            f"{digest[:12]} in {data_list}"
        )
    if not is_resumed:
        write_text(path, f"{digest}\n")


def note_begin(output_dir: Path, overrides: Mapping[str, object]) -> None:
    """Note how a new run begins; of a run that began otherwise in the same folder nothing is left."""
    begun = _begun_of(overrides)
    if begun == BegunWith():
        (output_dir / BEGUN_WITH).unlink(missing_ok=True)
    else:
        write_text(output_dir / BEGUN_WITH, begun.model_dump_json(indent=1) + "\n")
    (output_dir / INIT_PATIENTS).unlink(missing_ok=True)


def resumed_begin(output_dir: Path, overrides: Mapping[str, object]) -> dict[str, object]:
    """Return the overrides by which a run is resumed as it was begun: its checkpoint holds the weights already.

    Raises:
        UsageError: others are asked for.
    """
    path = output_dir / BEGUN_WITH
    noted = read_json_as(BegunWith, path, "how a run was begun") if path.is_file() else BegunWith()
    asked = _begun_of(overrides)
    for name, said in (("init", asked.init_sha256), ("freeze_until", asked.freeze_until)):
        before = noted.init_sha256 if name == "init" else noted.freeze_until
        if said is not None and said != before:
            raise UsageError(
                f"Expected the {name} that the run in {output_dir} began with, {getattr(noted, name) or 'none'}, "
                f"got {getattr(asked, name)}"
            )
    return {"init": None} | ({} if noted.freeze_until is None else {"freeze_until": noted.freeze_until})


def _begun_of(overrides: Mapping[str, object]) -> BegunWith:
    init, freeze_until = overrides.get("init"), overrides.get("freeze_until")
    path = None if init is None else Path(str(init))
    if path is not None and not path.is_file():
        raise UsageError(f"Expected weights to begin with, found no file {path}")
    return BegunWith(
        init=None if path is None else path.name,
        init_sha256=None if path is None else sha256_of(path),
        freeze_until=None if freeze_until is None else str(freeze_until),
    )
