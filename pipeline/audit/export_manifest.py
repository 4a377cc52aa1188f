"""`models/exports.json`: which exports of its network a bundle holds, what they were made of, and their hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from nodulus.pipeline.json_files import parse_json
from nodulus.pipeline.records import Record

from .finding import Finding, Kind
from .listed_record import WEIGHTS, read_listed
from .places import BundleFile

EXPORTS = Path("models/exports.json")
ExportedEngine = Literal["torchscript", "onnx", "openvino"]
# Of each engine, the files of its export.
EXPORT_FILES: Mapping[ExportedEngine, tuple[str, ...]] = {
    "torchscript": ("models/model.ts",),
    "onnx": ("models/model.onnx",),
    "openvino": ("models/model.xml", "models/model.bin"),
}


class Export(Record):
    """One export of the network.

    Args:
        engine: what runs it.
        sha256: of each of its files, by name in the bundle.
        made_with: the packages that made it, with their versions.
        n_patches: on which it was compared with torch.
        probability_difference_max: the largest that was seen.
    """

    engine: ExportedEngine
    sha256: dict[str, str]
    made_with: tuple[str, ...]
    n_patches: int
    probability_difference_max: float


class ExportManifest(Record):
    """The exports of a bundle.

    Args:
        weights_sha256: of the weights that all of them were made of.
        network_sha256: of what the inference config says of the network, see ``engines.plain_config``.
        exports: one an engine.
    """

    schema_version: Literal["1"] = "1"
    weights_sha256: str
    network_sha256: str
    exports: tuple[Export, ...]

    def of(self, engine: ExportedEngine) -> Export | None:
        """Return the export for an engine; None where there is none."""
        return next((export for export in self.exports if export.engine == engine), None)


def parse_exports(content: bytes) -> ExportManifest:
    """Return the manifest that a file holds; ValueError where it holds something else."""
    manifest = ExportManifest.model_validate(parse_json(content))
    for export in manifest.exports:
        if tuple(export.sha256) != EXPORT_FILES[export.engine]:
            raise ValueError(f"expected the files {', '.join(EXPORT_FILES[export.engine])} of {export.engine}")
    return manifest


def exports_found(files: Sequence[BundleFile], sha256: Mapping[str, str]) -> Iterator[Finding]:
    """Yield, for each export that a manifest lists, whether it is there, unchanged, and of the bundle's weights."""
    file = next((file for file in files if file.name == EXPORTS.as_posix()), None)
    if file is None:
        return
    manifest = read_listed(file, parse_exports, Kind.EXPORT)
    if isinstance(manifest, Finding):
        yield manifest
        return
    is_of_weights = manifest.weights_sha256 == sha256.get(WEIGHTS)
    stale = "" if is_of_weights else "made of other weights than the bundle's: `nodulus bundle export` again"
    yield Finding(file.name, "weights_sha256", Kind.EXPORT, manifest.weights_sha256[:12], stale)
    for export in manifest.exports:
        for name, stated in export.sha256.items():
            digest = sha256.get(name)
            problem = "" if digest == stated else "missing" if digest is None else "changed since it was exported"
            yield Finding(name, "", Kind.HASH, stated[:12], problem)
