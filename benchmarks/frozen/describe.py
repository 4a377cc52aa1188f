"""What each block of the published network says of a nodule's middle, view by view, kept in files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.nets import ResNet
from numpy.typing import NDArray

from benchmarks.lidc.recipe import train_recipe_sha256
from benchmarks.pretrained.start import start_of
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataListFile, hash_data
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.files import replacing_file
from nodulus.pipeline.readout.two_readouts import CELLS, middle_of
from nodulus.transforms.problems import UsageError

# What a view changes in `train.json`: its patch is otherwise the one that the bundle's network is shown.
VIEWS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "narrow": {"hu_window": [-1000.0, 200.0]},
    "fine": {"patch_spacing_mm": [0.35, 0.35, 0.7]},
    "coarse": {"patch_spacing_mm": [0.75, 0.75, 1.5]},
    "even": {"patch_spacing_mm": [0.5, 0.5, 0.5]},
}
BLOCKS = (3, 8, 4)
_PLANES = [64, 128, 256, 512]
_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Said:
    """What all blocks say of all nodules in one view.

    Args:
        names: of the nodules.
        values: float16 (n, 2 boxes, cells, channels of all blocks); the nodule's own box first, then its diameter's.
        widths: channels of each block.
    """

    names: tuple[str, ...]
    values: NDArray[np.float16]
    widths: tuple[int, ...]

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Return each block's features (n, 2 boxes, channels), for one cell and then for 27."""
        ends = np.cumsum(self.widths)
        for cells in range(self.values.shape[2]):
            for start, end in zip(ends - self.widths, ends, strict=True):
                yield self.values[:, :, cells, start:end].astype(np.float32)


class Reader:
    """The published network's first stages on a stock MONAI ``ResNet``, as they are.

    Args:
        source: the published network's state dict (``read_source``).
        blocks: of each stage that are taken; the stages after them are not run.
        planes: of each stage.
    """

    def __init__(
        self,
        source: Mapping[str, torch.Tensor],
        blocks: Sequence[int] = BLOCKS,
        planes: Sequence[int] = _PLANES,
    ) -> None:
        layers = [*blocks, *[1] * (4 - len(blocks))]
        network = ResNet(
            "bottleneck", layers, list(planes), n_input_channels=1, conv1_t_size=(7, 7, 3), conv1_t_stride=(2, 2, 1),
            bias_downsample=False,
        )  # fmt: skip
        network.load_state_dict(start_of(source, blocks), strict=False)
        network = network.eval().to(memory_format=torch.channels_last_3d)
        self.stem = torch.nn.Sequential(network.conv1, network.bn1, network.act, network.maxpool)
        stages = (network.layer1, network.layer2, network.layer3, network.layer4)
        self.blocks = [block for stage in stages[: len(blocks)] for block in stage]
        self.widths = tuple(int(block.conv3.out_channels) for block in self.blocks)

    @torch.inference_mode()
    def __call__(self, patches: torch.Tensor) -> torch.Tensor:
        """Return the means (n, cells, channels of all blocks) of patches (n, 1, x, y, z)."""
        out = self.stem(patches.to(memory_format=torch.channels_last_3d))
        said = []
        for block in self.blocks:
            out = block(out)
            said.append(torch.stack([middle_of(out, n) for n in CELLS], dim=1))
        return torch.cat(said, dim=2)


def describe(
    data_list: DataListFile, view: str, reader: Reader, bundle: Path, folder: Path, *, is_bfloat16: bool = False
) -> Said:
    """Return what the blocks say of every training nodule of a list; of a view that was described, as it was kept.

    Args:
        data_list: its training split is read, undecided nodules included.
        view: one of ``VIEWS``.
        reader: of patches.
        bundle: whose ``train.json`` cuts the patches.
        folder: receives a file a view.
        is_bfloat16: whether the network computes in bfloat16, the type in which its weights were published.

    Raises:
        UsageError: what was kept is of other nodules, or of patches that another `train.json` cut.
    """
    path = folder / f"{view}_{'bfloat16' if is_bfloat16 else 'float32'}.npz"
    made_from = f"{hash_data(data_list.data)} {train_recipe_sha256(bundle / TRAIN_CONFIG)}"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        names, patches = _patches(data_list, view, bundle)
        said = []
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bfloat16):
            for batch in batches(patches):
                said.append(reader(batch).half().numpy())
        values = np.concatenate(said).reshape(len(names), 2, len(CELLS), -1)
        with replacing_file(path) as temporary, temporary.open("wb") as opened:
            np.savez(opened, names=np.array(names), values=values, widths=np.array(reader.widths), made_from=made_from)
    with np.load(path) as kept:
        if str(kept["made_from"]) != made_from:
            raise UsageError(
                f"Expected features of these nodules and patches, got others in {path}: choose another folder"
            )
        return Said(tuple(kept["names"].tolist()), kept["values"], tuple(kept["widths"].tolist()))


def _patches(data_list: DataListFile, view: str, bundle: Path) -> tuple[list[str], Iterator[torch.Tensor]]:
    with tempfile.TemporaryDirectory() as folder:
        parser = make_workflow(bundle, "train", data_list, Path(folder), **VIEWS[view]).parser
        cut = parser.get_parsed_content("validate#preprocessing")
    items = load_data_list(data_list, "training", boxes="both", undecided=-1)
    return [item["nodule_id"] for item in items[::2]], (cut(item)["image"] for item in items)


def batches(patches: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
    """Yield patches (c, x, y, z) as batches (n, c, x, y, z)."""
    batch = []
    for patch in patches:
        batch.append(patch)
        if len(batch) == _AT_ONCE:
            yield torch.stack(batch)
            batch = []
    if batch:
        yield torch.stack(batch)
