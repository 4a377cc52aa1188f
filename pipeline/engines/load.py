"""Which engine runs a bundle: the one that was asked for, or the first that can; else torch, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodulus.pipeline.audit.export_manifest import EXPORTS, ExportedEngine, ExportManifest, parse_exports
from nodulus.pipeline.bundle.device import Device
from nodulus.transforms.problems import ProblemCode

from .engine import EXPORTED, EngineChoice, EngineError, Model
from .light_model import LightModel
from .light_plan import read_plan
from .plain_config import ConfigSaysMoreError, PlainConfig
from .sessions import check_installed, open_session

if TYPE_CHECKING:
    from .torch_model import TorchModel

# What an export does not depend on.
NOT_THE_NETWORK = ("bundle_root", "device")
# The end of each message about an export that is not as it should be.
AGAIN = "`nodulus bundle export` makes them"


def load_model(
    bundle: Path,
    config: Mapping[str, Any],
    weights_sha256: str,
    *,
    engine: EngineChoice | None,
    device: Device,
    allow: Collection[ProblemCode] = (),
) -> tuple[Model, str]:
    """Return a bundle's model, and why it is not the engine that was hoped for; empty where it is.

    Args:
        bundle: its folder.
        config: the content of its inference config, which was judged.
        weights_sha256: of its weights.
        engine: "auto" takes the first export that can run, and torch where none can; None does so where the bundle has
            exports, and takes torch without a word where it has none.
        device: exports run on the CPU, which "auto" is to them.
        allow: problem codes that the series gate may admit.

    Raises:
        EngineError: the engine that was asked for by name cannot run the bundle.
        UsageError: the device is not there.
        InputRefusedError: ``untrusted_bundle``, see ``TorchModel`` and ``read_plan``.
    """
    if engine == "torch" or (engine is None and not (bundle / EXPORTS).is_file()):
        return load_torch(bundle, config, device, allow), ""
    if engine is not None and engine != "auto":
        return _light_model(bundle, config, weights_sha256, (engine,), device)
    try:
        return _light_model(bundle, config, weights_sha256, EXPORTED, device)
    except EngineError as error:
        return load_torch(bundle, config, device, allow), f"engine torch: {error}"


def load_torch(
    bundle: Path, config: Mapping[str, Any], device: Device, allow: Collection[ProblemCode] = ()
) -> TorchModel:
    """Return a bundle's model as MONAI and torch run it; see ``TorchModel``."""
    # Loaded late: the other engines do without.
    from .torch_model import TorchModel

    return TorchModel(bundle, config, device, allow)


def plain_config(bundle: Path, config: Mapping[str, Any]) -> PlainConfig:
    """Return a bundle's inference config, to be read without MONAI.

    Raises:
        EngineError: its keys are such that only MONAI reads it.
    """
    try:
        return PlainConfig(config, {"bundle_root": str(bundle), "allow": []})
    except ConfigSaysMoreError as error:
        raise _says_more(error) from error


def _light_model(
    bundle: Path, config: Mapping[str, Any], weights_sha256: str, engines: Collection[ExportedEngine], device: Device
) -> tuple[LightModel, str]:
    """Return the first of some engines that runs the bundle, and what kept those before it."""
    if device not in ("auto", "cpu"):
        raise EngineError(f"Expected --device cpu for an exported network, got {device}")
    plain = plain_config(bundle, config)
    manifest = _manifest(bundle)
    if manifest.weights_sha256 != weights_sha256 or manifest.network_sha256 != plain.sha256_of(
        "network", NOT_THE_NETWORK
    ):
        stale = f"{EXPORTS} of {bundle} is of other weights, or another network"
        raise EngineError(f"Expected exports of the bundle's network, got stale ones: {stale} ({AGAIN})")
    try:
        plan = read_plan(plain)
    except ConfigSaysMoreError as error:
        raise _says_more(error) from error
    problems: list[EngineError] = []
    for engine in engines:
        try:
            contents, digest = _contents(bundle, manifest, engine)
            return LightModel(engine, plan, open_session(engine, contents), digest), "; ".join(map(str, problems))
        except EngineError as error:
            problems.append(error)
    raise EngineError("; ".join(map(str, problems)))


def _manifest(bundle: Path) -> ExportManifest:
    path = bundle / EXPORTS
    try:
        return parse_exports(path.read_bytes())
    except FileNotFoundError as error:
        raise EngineError(f"Expected exports of the bundle's network, found no {path} ({AGAIN})") from error
    except (OSError, ValueError, RecursionError) as error:
        raise EngineError(f"Expected a list of exports, got something else in {path} ({AGAIN})") from error


def _contents(bundle: Path, manifest: ExportManifest, engine: ExportedEngine) -> tuple[list[bytes], str]:
    """Return the files of an export, which are those that were compared with torch, and a hash of all of them."""
    export = manifest.of(engine)
    if export is None:
        raise EngineError(f"Expected an export for {engine}, the bundle has none ({AGAIN})")
    check_installed(engine)
    contents = []
    for name, stated in export.sha256.items():
        try:
            content = (bundle / name).read_bytes()
        except OSError as error:
            raise EngineError(
                f"Expected the export {name}, which cannot be read: {error.strerror} ({AGAIN})"
            ) from error
        if hashlib.sha256(content).hexdigest() != stated:
            raise EngineError(f"Expected the export {name} as it was made, got a changed file ({AGAIN} anew)")
        contents.append(content)
    return contents, hashlib.sha256("".join(export.sha256.values()).encode()).hexdigest()[:12]


def _says_more(error: ConfigSaysMoreError) -> EngineError:
    return EngineError(f"Expected an inference config that is understood without MONAI, got {error}")
