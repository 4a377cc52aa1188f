"""How far do the published features come as they are? A ridge regression on what they say of a nodule's middle."""

from __future__ import annotations

import numpy as np
import torch
from monai.networks.nets import ResNet
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

from .views import Crops, Grid, plain

_STRENGTHS = tuple(10.0**k for k in range(-3, 5))


def middle_features(network: ResNet, crops: Crops, box: int, grid: Grid) -> list[NDArray[np.float64]]:
    """Return what each block of stages 1 to 3 says (n, channels): the mean of the 3x3x3 cells about the middle."""
    said: list[list[NDArray[np.float64]]] = []
    blocks = [*network.layer1, *network.layer2, *network.layer3]
    now: list[NDArray[np.float64]] = []
    hooks = [block.register_forward_hook(lambda _m, _i, out: now.append(_middle(out))) for block in blocks]
    network.eval()
    for start in range(0, len(crops.sizes), 32):
        which = np.arange(start, min(start + 32, len(crops.sizes)))
        now.clear()
        with torch.no_grad():
            network(plain(crops, which, box, grid))
        said.append(list(now))
    for hook in hooks:
        hook.remove()
    return [np.concatenate(parts) for parts in zip(*said, strict=True)]


def ridge_scores(
    features: list[NDArray[np.float64]],
    wanted: NDArray[np.float64],
    training: NDArray[np.int64],
    judged: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the regression's score of the judged nodules; its strength is chosen inside the training nodules."""
    blocks = []
    for block in features:
        mean, deviation = block[training].mean(axis=0), block[training].std(axis=0) + 1e-6
        blocks.append((block - mean) / deviation / np.sqrt(block.shape[1]))
    joined = np.concatenate(blocks, axis=1)
    model = RidgeCV(_STRENGTHS).fit(joined[training], wanted[training])
    return np.asarray(model.predict(joined[judged]))


def _middle(out: torch.Tensor) -> NDArray[np.float64]:
    x, y, z = (slice(length // 2 - 1, length // 2 + 2) for length in out.shape[2:])
    return out[:, :, x, y, z].float().mean(dim=(2, 3, 4)).cpu().numpy().astype(np.float64)
