"""Solves the layer that reads a nodule's middle: a ridge regression, whose logit is as sure as the readers were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict
from torch.nn.parallel import DistributedDataParallel

from nodulus.pipeline.readout.two_readouts import TwoReadouts
from nodulus.transforms.problems import UsageError

STRENGTHS = tuple(10.0 ** (k / 2) for k in range(-6, 5))
N_PARTS = 5
# Of chances that are as good as certain: where the middles part the nodules without a fault, no finite logit is enough.
_CERTAIN = 0.999
_AT_ONCE = 16


class SolveMiddle:
    """Solve the linear layer of a ``TwoReadouts`` as training starts, unless it came with the weights.

    Args:
        network: that trains; one that has no such layer is left alone.
        averaged_network: its moving average, which gets the same layer.
        dataset: the training nodules' plain patches, through both boxes: MONAI's, whose ``data`` names the patients.
            The second number of a ``label`` is the chance of malignancy.

    Raises:
        UsageError: a stage that the layer reads learns, so that it would soon read something else.
    """

    def __init__(self, network: torch.nn.Module, averaged_network: torch.nn.Module, dataset: Any) -> None:  # noqa: ANN401 - MONAI has no types
        self.network = network.module if isinstance(network, DistributedDataParallel) else network
        self.averaged_network, self.dataset = averaged_network, dataset
        _check_stays(self.network)

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer; attach after all that brings weights."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Solve the layer; of several processes the first does."""
        network = self.network
        if not isinstance(network, TwoReadouts) or network.middle.weight.any():
            return
        if idist.get_rank() == 0:
            engine.logger.info("Solving the readout of the middle on %d patches", len(self.dataset))
            said, chances = middles(network, self.dataset)
            weights, bias = solve(said, chances, [str(item["patient_id"]) for item in self.dataset.data])
            set_middle(network, weights, bias)
        for parameter, copied in zip(
            network.middle.parameters(), self.averaged_network.get_submodule("middle").parameters(), strict=True
        ):
            if idist.get_world_size() > 1:
                parameter.data.copy_(torch.as_tensor(idist.broadcast(parameter.data.clone(), src=0)))
            copied.data.copy_(parameter.data)


def _check_stays(network: torch.nn.Module) -> None:
    if not isinstance(network, TwoReadouts):
        return
    read = (network.conv1, network.bn1, network.layer1, network.layer2)
    if any(parameter.requires_grad for stage in read for parameter in stage.parameters()):
        raise UsageError(
            "Expected the stages before layer3 to stay as they are, since a readout is solved on what they say: "
            "freeze_until layer3 or a later one, got one that learns"
        )


@torch.no_grad()
def middles(network: TwoReadouts, dataset: Any) -> tuple[NDArray[np.float32], NDArray[np.float64]]:  # noqa: ANN401 - MONAI has no types
    """Return what the layer reads of patches (n, channels), and their nodules' chances of malignancy (n,)."""
    given: list[torch.Tensor] = []
    listener = network.middle.register_forward_pre_hook(lambda _, read: given.append(read[0].float().cpu()))
    was_training, device = network.training, network.middle.weight.device
    network.eval()
    chances = []
    try:
        for start in range(0, len(dataset), _AT_ONCE):
            items = [dataset[row] for row in range(start, min(start + _AT_ONCE, len(dataset)))]
            chances += [float(item["label"][1]) for item in items]
            network(torch.stack([torch.as_tensor(item["image"]) for item in items]).to(device))
    finally:
        listener.remove()
        network.train(was_training)
    return torch.cat(given).numpy(), np.array(chances)


def solve(
    said: NDArray[np.float32], chances: NDArray[np.float64], patients: Sequence[str]
) -> tuple[NDArray[np.float64], float]:
    """Return the weights (channels,) and the intercept of a logit of malignancy, linear in what was said of nodules.

    A ridge regression on the chances, each channel standardised, of the strength that errs least over parts by patient;
    its scores are then turned to logits by the logistic function that comes nearest to the chances, on scores crossed
    over those parts.

    Args:
        said: (n, channels).
        chances: (n,) of malignancy, as the readers see it.
        patients: (n,).

    Raises:
        UsageError: all nodules are of one patient.
    """
    n_parts = min(N_PARTS, len(set(patients)))
    if n_parts < 2:
        raise UsageError("Expected training nodules of at least two patients, got one")
    # A channel that hardly ever speaks in training must not shout afterwards.
    mean, scale = said.mean(axis=0, dtype=np.float64), said.std(axis=0, dtype=np.float64) + 1e-4
    rows = (said - mean) / scale
    parts = GroupKFold(n_parts)

    def crossed(strength: float) -> NDArray[np.float64]:
        model = Ridge(strength * said.shape[1])
        return np.asarray(cross_val_predict(model, rows, chances, groups=patients, cv=parts))

    of_strength = {strength: crossed(strength) for strength in STRENGTHS}
    best = min(STRENGTHS, key=lambda strength: float(np.mean((of_strength[strength] - chances) ** 2)))
    fitted = Ridge(best * said.shape[1]).fit(rows, chances)
    slope, offset = _line(of_strength[best], chances)
    weights = fitted.coef_ / scale
    return slope * weights, slope * float(fitted.intercept_ - weights @ mean) + offset


@torch.no_grad()
def set_middle(network: TwoReadouts, weights: NDArray[np.float64], intercept: float) -> None:
    """Let the linear layer say a logit."""
    network.middle.weight.copy_(torch.from_numpy(weights)[None])
    network.middle.bias.fill_(intercept)


def _line(scores: NDArray[np.float64], chances: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and intercept of the logit that comes nearest to the chances by cross-entropy; it never falls."""
    sure = np.clip(chances, 1 - _CERTAIN, _CERTAIN)
    # Each score stands twice, as malignant and as benign, with the chance of each for a weight.
    model = LogisticRegression(C=np.inf, tol=1e-8)
    model.fit(np.tile(scores[:, None], (2, 1)), np.repeat([1, 0], len(scores)), np.concatenate([sure, 1 - sure]))
    return max(float(model.coef_[0, 0]), 0.0), float(model.intercept_[0])
