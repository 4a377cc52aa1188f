"""What the stages that never train say of every nodule, of its plain patches and of drawn ones: kept in files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.data.utils import set_rnd

from benchmarks.federated.stages import stages_before
from benchmarks.federated.views import KeptViews
from benchmarks.frozen.describe import Said, batches
from benchmarks.lidc.recipe import train_recipe_sha256
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataListFile, hash_data
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.federated.exchange import ExchangedNetworks
from nodulus.pipeline.files import replacing_file, write_text
from nodulus.pipeline.readout.two_readouts import CELLS, middle_of
from nodulus.transforms.problems import UsageError

# The first stage that trains.
FIRST = "layer3"
PLAIN = 0
_MADE_FROM = "made_from.txt"
_N_BOXES = 2


class FirstStages:
    """The bundle's network up to a stage, as it starts, in bfloat16.

    Args:
        bundle: whose ``train.json`` says what it starts from.
        first: the stage that is the first to be left out; the one before it is read block by block.
    """

    def __init__(self, bundle: Path, first: str = FIRST) -> None:
        network = ExchangedNetworks(str(bundle)).network.eval().to(memory_format=torch.channels_last_3d)
        *before, (_, last) = stages_before(network, first)
        self.before, self.blocks = torch.nn.Sequential(*(stage for _, stage in before)), list(last.children())
        self.widths = tuple(int(block.get_parameter("conv3.weight").shape[0]) for block in self.blocks)

    @torch.inference_mode()
    def __call__(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the last stage says of patches (n, 1, x, y, z), and its blocks' middles (n, cells, channels)."""
        said = []
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = self.before(patches.to(memory_format=torch.channels_last_3d))
            for block in self.blocks:
                out = block(out)
                said.append(torch.stack([middle_of(out, n) for n in CELLS], dim=1))
        return out, torch.cat(said, dim=2)


@dataclass(frozen=True, eq=False)
class Kept:
    """What the first stages said of the training nodules of a list, (channels, x, y, z) a patch, half precision.

    Args:
        said: of the middles of plain patches.
        views: by nodule, of the plain patch of its own box and then of those drawn as the bundle trains.
        by_diameter: by nodule, of the plain patch of its diameter's box.
    """

    said: Said
    views: KeptViews
    by_diameter: KeptViews


def keep_view(data_list: DataListFile, bundle: Path, number: int, folder: Path) -> None:
    """Keep what the first stages say of one view of every training nodule, unless it is kept.

    Args:
        data_list: undecided nodules are included.
        bundle: whose ``train.json`` cuts and draws the patches.
        number: of the view: 0 is the plain one, of both boxes; what another draws depends on its number alone.
        folder: receives a file a view.

    Raises:
        UsageError: what is there is of other nodules, or of another ``train.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _settle(folder / _MADE_FROM, f"{hash_data(data_list.data)} {train_recipe_sha256(bundle / TRAIN_CONFIG)}\n")
    if _path(folder, number).is_file():
        return
    parser = make_workflow(bundle, "train", data_list, folder).parser
    cut = parser.get_parsed_content(f"{'validate' if number == PLAIN else 'train'}#preprocessing")
    items = load_data_list(data_list, "training", boxes="both" if number == PLAIN else "own", undecided=-1)
    set_rnd(cut, number)
    _write(folder, number, (cut(dict(item))["image"] for item in items), len(items), FirstStages(bundle))


def keep(data_list: DataListFile, bundle: Path, n_views: int, folder: Path) -> Kept:
    """Return what the first stages say of plain patches and of drawn views; see ``keep_view``."""
    for number in range(n_views + 1):
        keep_view(data_list, bundle, number, folder)
    # Copied on write, though nobody writes: torch takes no array that is for reading only.
    plain, *drawn = (torch.from_numpy(np.load(_path(folder, number), mmap_mode="c")) for number in range(n_views + 1))
    own, by_diameter = plain[::_N_BOXES], plain[1::_N_BOXES]
    said = read_said(data_list, folder)
    names = said.names
    return Kept(
        said,
        {name: [view[row] for view in (own, *drawn)] for row, name in enumerate(names)},
        {name: by_diameter[row : row + 1] for row, name in enumerate(names)},
    )


def read_said(data_list: DataListFile, folder: Path) -> Said:
    """Return what was kept of the middles of plain patches."""
    with np.load(_middles(folder)) as kept:
        values, widths = kept["values"], tuple(kept["widths"].tolist())
    names = tuple(str(item["nodule_id"]) for item in load_data_list(data_list, "training", undecided=-1))
    return Said(names, values.reshape(len(names), _N_BOXES, *values.shape[1:]), widths)


def _path(folder: Path, number: int) -> Path:
    return folder / f"view{number}.npy"


def _middles(folder: Path) -> Path:
    return folder / "middles.npz"


def _settle(path: Path, made_from: str) -> None:
    if not path.is_file():
        write_text(path, made_from)
    elif path.read_text(encoding="utf-8") != made_from:
        raise UsageError(f"Expected stages of these nodules and this train.json, got others in {path.parent}")


def _write(folder: Path, number: int, patches: Iterator[torch.Tensor], n: int, stages: FirstStages) -> None:
    middles, written, row = [], None, 0
    with replacing_file(_path(folder, number)) as temporary:
        for batch in batches(patches):
            out, said = stages(batch)
            if written is None:
                written = np.lib.format.open_memmap(temporary, "w+", np.float16, (n, *out.shape[1:]))
            written[row : row + len(out)] = out.half().contiguous().numpy()
            middles.append(said.half().numpy())
            row += len(out)
        if written is not None:
            written.flush()
        if number == PLAIN:
            with replacing_file(_middles(folder)) as beside, beside.open("wb") as opened:
                np.savez(opened, values=np.concatenate(middles), widths=np.array(stages.widths))
