"""What blocks say of a nodule's middle: that of the network itself, from the patch that the bundle cuts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.networks.nets import ResNet

from benchmarks.frozen.describe import Reader, describe
from benchmarks.places import BUNDLE
from nodulus.pipeline.data.data_list import DataList, DataListFile, DataListItem, write_data_list
from nodulus.pipeline.readout.two_readouts import CELLS
from nodulus.transforms.problems import UsageError

PLANES, BLOCKS = (2, 4, 4, 8), (1, 2, 1)


@pytest.fixture
def source() -> dict[str, torch.Tensor]:
    """The weights of a small network as they are published: kernels (z, x, y), three channels."""
    torch.manual_seed(0)
    network = ResNet(
        "bottleneck", [*BLOCKS, 1], list(PLANES), n_input_channels=3, conv1_t_size=(3, 7, 7), conv1_t_stride=(1, 2, 2),
        bias_downsample=False,
    )  # fmt: skip
    return dict(network.state_dict())


def data_list(folder: Path, label: Literal[0, 1] = 1) -> DataListFile:
    random = np.random.default_rng(1)
    items = []
    for name, shift in (("one", 0.0), ("two", 2.0)):
        image = nib.Nifti1Image(random.integers(-900, 100, (24, 24, 20)).astype(np.int16), np.diag([-1.0, -1, 1, 1]))
        image.header.set_xyzt_units("mm")
        nib.save(image, folder / f"{name}.nii.gz")
        centre = (12.0 + shift, 12.0, 10.0)
        x, y, z = centre
        items.append(
            DataListItem(
                image=f"{name}.nii.gz", nodule_id=name, patient_id=name, center_lps_mm=centre, diameter_mm=5.0,
                box_lps_mm=(x - 4, y - 4, z - 4, x + 4, y + 4, z + 4), label=label,
            )
        )  # fmt: skip
    path = folder / "list.json"
    write_data_list(DataList(training=tuple(items)), path)
    return DataListFile.read(path)


def test_a_view_is_read_once_and_both_boxes_in_order(
    tmp_path: Path, source: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(source, BLOCKS, PLANES)
    listed = data_list(tmp_path)
    said = describe(listed, "plain", reader, BUNDLE, tmp_path / "kept")
    assert said.names == ("one", "two")
    assert said.values.shape == (2, 2, len(CELLS), sum(said.widths))
    assert said.widths == (8, 16, 16, 16)
    assert [block.shape for block in said.blocks()] == [(2, 2, width) for width in said.widths * len(CELLS)]
    assert not np.array_equal(said.values[:, 0], said.values[:, 1])  # the boxes differ, so do the patches
    monkeypatch.setattr(reader, "blocks", [])
    again = describe(listed, "plain", reader, BUNDLE, tmp_path / "kept")
    np.testing.assert_array_equal(again.values, said.values)
    with pytest.raises(
        UsageError, match=r"Expected features of these nodules and patches, got others in .*plain_float32"
    ):
        describe(data_list(tmp_path, label=0), "plain", reader, BUNDLE, tmp_path / "kept")


def test_a_block_says_what_it_puts_out_about_the_middle(source: dict[str, torch.Tensor]) -> None:
    reader = Reader(source, BLOCKS, PLANES)
    patches = torch.rand(3, 1, 65, 65, 33)
    said = reader(patches)
    out = reader.stem(patches)
    for block in reader.blocks[:2]:
        out = block(out)
    start = reader.widths[0]
    middle = out[:, :, 4, 4, 4]  # of 9 cells
    torch.testing.assert_close(said[:, 0, start : start + reader.widths[1]], middle)
    torch.testing.assert_close(said[:, 1, start : start + 16], out[:, :, 3:6, 3:6, 3:6].mean(dim=(2, 3, 4)))
