"""Patches of every nodule, drawn once for all arms of the study: as it validates, and a few as it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from monai.data.utils import set_rnd
from monai.transforms import Randomizable

from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataListFile
from nodulus.pipeline.data.monai_items import load_data_list

N_VIEWS = 4
Views = dict[str, torch.Tensor]
# The same, each view by itself.
KeptViews = Mapping[str, Sequence[torch.Tensor] | torch.Tensor]


def draw_views(data_list: Path, bundle: Path, path: Path) -> Views:
    """Return each nodule's patches by its name, (1 + N_VIEWS, x, y, z): the plain one first; kept in a file.

    Resampling and augmenting a patch costs several times a training step, and there are ten arms of twenty epochs.
    """
    if path.is_file():
        return dict(torch.load(path, weights_only=True, mmap=True))
    parser = make_workflow(bundle, "train", DataListFile.read(data_list), path.parent).parser
    plain, training = (parser.get_parsed_content(f"{split}#preprocessing") for split in ("validate", "train"))
    set_rnd(training, 0)
    views = {}
    for item in load_data_list(data_list, "training", undecided=-1):
        drawn = [plain(deepcopy(item)), *(training(deepcopy(item)) for _ in range(N_VIEWS))]
        views[item["nodule_id"]] = torch.stack([one["image"][0] for one in drawn]).half()
    torch.save(views, path)
    return views


class ViewDataset(torch.utils.data.Dataset[dict[str, Any]], Randomizable):  # type: ignore[misc]  # MONAI has no types
    """A split's nodules, each time another of its views; seeded as the bundle's transforms.

    Args:
        data_list: its training split is taken.
        views: by nodule, the plain one first.
        rating_chances: what each rating stands for.
        flips: whether a view is flipped about any axes: a patch can be, what a stage says of it cannot.
    """

    def __init__(self, data_list: Path, views: KeptViews, rating_chances: list[float], *, flips: bool = True) -> None:
        self.items = load_data_list(data_list, "training", rating_chances=rating_chances)
        self.views, self.flips = views, flips

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self.items[index]
        views = self.views[item["nodule_id"]]
        view = views[1 + int(self.R.randint(len(views) - 1))].float()
        if self.flips:
            view = view.flip([axis for axis in range(3) if self.R.rand() < 0.5])
        return {"image": view if view.ndim > 3 else view[None], "label": item["label"]}

    def __deepcopy__(self, _: object) -> ViewDataset:
        return self  # a config's values are copied; the views are too many for that
