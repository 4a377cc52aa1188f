"""Exports a bundle's network for the engines, compares each with torch on patches, and keeps those that agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodulus.pipeline.audit.export_manifest import (
    EXPORT_FILES,
    EXPORTS,
    Export,
    ExportedEngine,
    ExportManifest,
    parse_exports,
)
from nodulus.pipeline.bundle.folder import METADATA, WEIGHTS
from nodulus.pipeline.files import replacing_file, sha256_of, write_text
from nodulus.transforms.problems import NodulusError, UsageError

from .export_files import NetworkExports, made_with
from .light_model import LightModel
from .light_plan import read_plan
from .load import NOT_THE_NETWORK, load_torch, plain_config
from .plain_config import ConfigSaysMoreError
from .sessions import check_installed, open_session

MOST_DIFFERENT = 1e-5
_BATCH_SIZE = 8
Items = Sequence[Mapping[str, Any]]


class ExportDiffersError(NodulusError):
    """An export gives other probabilities than the network that it was made of."""


@dataclass(frozen=True)
class _Made:
    record: Export
    contents: tuple[bytes, ...]


def export_network(
    bundle: Path,
    config: Mapping[str, Any],
    engines: Collection[ExportedEngine],
    items: Items,
    tell: Callable[[Export], None] = lambda _: None,
) -> list[Path]:
    """Write a bundle's exports and their list into its ``models/``; nothing is written where one of them differs.

    Args:
        bundle: its folder.
        config: the content of its inference config, which was judged.
        engines: whom exports are made for; of the others, earlier exports stay where they are of the same network.
        items: work items with open scans, on whose patches exports and torch are compared.
        tell: is told of each export that agrees.

    Raises:
        EngineError: an engine is not installed, cannot load what was made, or the config is not understood without
            MONAI.
        ExportDiffersError: a probability differs by more than 1e-5.
        UsageError: what makes an export is not installed, or a file cannot be written.
        InputRefusedError: a scan cannot be read; or the bundle's weights or calibration are not as they should be.
    """
    for engine in engines:
        check_installed(engine)
    plain = plain_config(bundle, config)
    network_sha256 = plain.sha256_of("network", NOT_THE_NETWORK)
    try:
        plan = read_plan(plain)
    except ConfigSaysMoreError as error:
        raise UsageError(f"Expected an inference config that is understood without MONAI, got {error}") from error
    whole = load_torch(bundle, config, "cpu")
    expected = _malignant(whole.score, items)
    inside = {name: (bundle / "configs" / name).read_bytes() for name in (METADATA.name, "inference.json")}
    exports = NetworkExports(whole.network, whole.patches(items[:2]), inside)
    made: list[_Made] = []
    for engine in engines:
        contents = exports.files(engine)
        light = LightModel(engine, plan, open_session(engine, contents), "")
        made.append(_compared(light, contents, expected, items))
        tell(made[-1].record)
    manifest = ExportManifest(weights_sha256=sha256_of(bundle / WEIGHTS), network_sha256=network_sha256, exports=())
    return _write(bundle, manifest, made)


def _compared(light: LightModel, contents: tuple[bytes, ...], expected: Sequence[float], items: Items) -> _Made:
    """Return an export whose probabilities, in batches and one by one, are those of torch."""
    found = [_malignant(light.score, items), _malignant(light.score, items, 1)]
    differs = max(abs(one - other) for row in found for one, other in zip(row, expected, strict=True))
    if not differs <= MOST_DIFFERENT:  # so that no number counts as different, too
        raise ExportDiffersError(
            f"Expected the probabilities of torch within {MOST_DIFFERENT:g}, got a difference of {differs:.3g} from"
            f" {light.engine} on {len(items)} patches: nothing is written"
        )
    sha256 = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in zip(EXPORT_FILES[light.engine], contents, strict=True)
    }
    record = Export(
        engine=light.engine,
        sha256=sha256,
        made_with=made_with(light.engine),
        n_patches=len(items),
        probability_difference_max=differs,
    )
    return _Made(record, contents)


def _malignant(
    score: Callable[[Items], list[Mapping[str, Any]]], items: Items, batch_size: int = _BATCH_SIZE
) -> list[float]:
    batches = (items[start : start + batch_size] for start in range(0, len(items), batch_size))
    return [float(said["pred"][1]) for batch in batches for said in score(batch)]


def _write(bundle: Path, manifest: ExportManifest, made: Sequence[_Made]) -> list[Path]:
    """Write the files, then the list that vouches for them, and return their paths."""
    written = []
    for one in made:
        for name, content in zip(EXPORT_FILES[one.record.engine], one.contents, strict=True):
            with replacing_file(bundle / name) as temporary:
                temporary.write_bytes(content)
            written.append(bundle / name)
    new = [one.record for one in made]
    kept = [export for export in _earlier(bundle, manifest) if export.engine not in {one.engine for one in new}]
    listed = manifest.model_copy(update={"exports": tuple(sorted([*kept, *new], key=lambda one: one.engine))})
    return [*written, write_text(bundle / EXPORTS, listed.model_dump_json(indent=1) + "\n")]


def _earlier(bundle: Path, manifest: ExportManifest) -> Iterator[Export]:
    """Yield the exports that are listed already and are of the same network."""
    try:
        earlier = parse_exports((bundle / EXPORTS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return
    if (earlier.weights_sha256, earlier.network_sha256) == (manifest.weights_sha256, manifest.network_sha256):
        yield from earlier.exports
