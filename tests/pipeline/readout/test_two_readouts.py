"""The network's logit is the sum of two readouts, and its late stages learn alone."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import ResNet

from nodulus.pipeline.readout.two_readouts import CELLS, TwoReadouts, middle_of
from tests.support.two_readouts import DEFINITION

N_CHANNELS = 2 * 16


@pytest.fixture
def plain() -> ResNet:
    torch.manual_seed(0)
    return ResNet(**DEFINITION).eval()


@pytest.fixture
def both(plain: ResNet) -> TwoReadouts:
    network: TwoReadouts = TwoReadouts(**DEFINITION).eval()
    missing, unexpected = network.load_state_dict(plain.state_dict(), strict=False)
    assert (missing, unexpected) == (["middle.weight", "middle.bias"], [])
    return network


@pytest.fixture
def patches() -> torch.Tensor:
    return torch.rand(3, 1, 33, 33, 17, generator=torch.Generator().manual_seed(0))


def set_at_random(network: TwoReadouts) -> None:
    generator = torch.Generator().manual_seed(1)
    network.middle.weight.data = torch.randn(network.middle.weight.shape, generator=generator)
    network.middle.bias.data.fill_(0.3)


@torch.inference_mode()
def test_unset_it_is_the_resnet(plain: ResNet, both: TwoReadouts, patches: torch.Tensor) -> None:
    torch.testing.assert_close(both(patches), plain(patches))


@torch.inference_mode()
def test_set_its_logit_is_the_sum_and_nothing_else_changes(
    plain: ResNet, both: TwoReadouts, patches: torch.Tensor
) -> None:
    set_at_random(both)
    said: list[torch.Tensor] = []
    for block in plain.layer2:
        block.register_forward_hook(lambda _module, _given, out: said.append(out))
    late, whole = plain(patches), both(patches)
    assert len(said) == 2
    read = torch.cat([middle_of(out, n) for n in CELLS for out in said], dim=1)
    assert read.shape == (3, N_CHANNELS * len(CELLS))
    expected = read @ both.middle.weight[0] + 0.3
    added = whole - late
    torch.testing.assert_close(added[:, 1] - added[:, 0], expected)
    torch.testing.assert_close(added[:, 1], -added[:, 0])
    torch.testing.assert_close(whole[:, 2:], late[:, 2:])
    assert expected.std() > 0.1


def test_in_training_the_late_stages_speak_alone_and_no_gradient_reaches_the_other_readout(
    plain: ResNet, both: TwoReadouts, patches: torch.Tensor
) -> None:
    set_at_random(both)
    outputs = both.train()(patches)
    torch.testing.assert_close(outputs, plain.train()(patches))
    outputs.sum().backward()
    assert both.middle.weight.grad is None
    assert both.fc.weight.grad is not None


def test_the_middle_is_one_cell_and_the_mean_over_27() -> None:
    out = torch.arange(5 * 5 * 3, dtype=torch.float32).reshape(1, 1, 5, 5, 3)
    assert middle_of(out, 1).item() == out[0, 0, 2, 2, 1]
    assert middle_of(out, 3).item() == pytest.approx(out[0, 0, 1:4, 1:4].mean().item())


@torch.inference_mode()
def test_torchscript_says_the_same(both: TwoReadouts, patches: torch.Tensor) -> None:
    set_at_random(both)
    torch.testing.assert_close(torch.jit.script(both)(patches), both(patches))
