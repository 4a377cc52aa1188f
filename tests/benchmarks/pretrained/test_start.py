"""The published network's first stages on the stock MONAI network, against a network built as the published one is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.networks.nets import ResNet

from benchmarks.pretrained.start import read_source, start_of
from nodulus.transforms.problems import UsageError

PLANES = (4, 8, 8, 8)


class InflatedBlock(torch.nn.Module):
    """A bottleneck of an inflated ResNet: the stride in the middle convolution, no bias."""

    def __init__(self, n_in: int, n_planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv3d(n_in, n_planes, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm3d(n_planes)
        self.conv2 = torch.nn.Conv3d(n_planes, n_planes, 3, stride, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm3d(n_planes)
        self.conv3 = torch.nn.Conv3d(n_planes, 4 * n_planes, 1, bias=False)
        self.bn3 = torch.nn.BatchNorm3d(4 * n_planes)
        self.downsample = None
        if stride != 1 or n_in != 4 * n_planes:
            shortcut = torch.nn.Conv3d(n_in, 4 * n_planes, 1, stride, bias=False)
            self.downsample = torch.nn.Sequential(shortcut, torch.nn.BatchNorm3d(4 * n_planes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(out)))))
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class Inflated(torch.nn.Module):
    """Stem and stages of an inflated ResNet: axes (z, x, y), the image three times over as its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv3d(3, PLANES[0], (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
        self.bn1 = torch.nn.BatchNorm3d(PLANES[0])
        n_in = PLANES[0]
        for stage, (n_planes, n_blocks) in enumerate(zip(PLANES, (2, 3, 2, 1), strict=True), start=1):
            blocks = []
            for block in range(n_blocks):
                blocks.append(InflatedBlock(n_in, n_planes, 2 if stage > 1 and not block else 1))
                n_in = 4 * n_planes
            setattr(self, f"layer{stage}", torch.nn.Sequential(*blocks))

    def stages(self, patch: torch.Tensor) -> list[torch.Tensor]:
        """Return what the stem and each stage say of patches (n, 1, x, y, z), axes back in that order."""
        out = patch.permute(0, 1, 4, 2, 3).repeat(1, 3, 1, 1, 1)
        out = torch.nn.functional.max_pool3d(torch.relu(self.bn1(self.conv1(out))), 3, 2, 1)
        said = [out]
        for stage in range(1, 5):
            said.append(self.get_submodule(f"layer{stage}")(said[-1]))
        return [each.permute(0, 1, 3, 4, 2) for each in said]


@pytest.fixture
def source() -> Inflated:
    torch.manual_seed(0)
    network = Inflated()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            for name, low, high in (("running_mean", -0.2, 0.2), ("running_var", 0.5, 2.0)):
                torch.nn.init.uniform_(module.get_buffer(name), low, high)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("blocks", [(2, 3, 2, 1), (2, 1), (2, 3, 1)])
def test_each_stage_says_what_the_source_says(source: Inflated, blocks: tuple[int, ...]) -> None:
    layers = [*blocks, 1, 1][:4]
    network = ResNet(
        "bottleneck", layers, list(PLANES), n_input_channels=1, conv1_t_size=(7, 7, 3), conv1_t_stride=(2, 2, 1),
        bias_downsample=False, num_classes=2,
    ).eval()  # fmt: skip
    start = start_of(source.state_dict(), blocks)
    missing, unexpected = network.load_state_dict(start, strict=False)
    assert not unexpected
    assert not [name for name in missing if name.startswith(("conv1", "bn1", "layer1"))]
    patch = torch.rand(2, 1, 33, 33, 17)
    said = [network.maxpool(network.act(network.bn1(network.conv1(patch))))]
    for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
        said.append(stage(said[-1]))
    expected = source.stages(patch)
    whole = 1 + next((i for i, n in enumerate(blocks) if n < (2, 3, 2, 1)[i]), len(blocks))
    for ours, theirs in zip(said[:whole], expected[:whole], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"state_dict": {}}, path)
    with pytest.raises(UsageError, match=r"Expected weights of SHA-256 d793f6bb0203, got SHA-256 .* at .*other\.pt"):
        read_source(path)
