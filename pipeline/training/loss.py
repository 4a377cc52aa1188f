"""What a network loses by not saying of a nodule what its readers said."""

from __future__ import annotations

import ignite.distributed as idist
import torch
from torch.nn import functional

from nodulus.pipeline.readout.characteristics import CLASSES


class RatingsLoss(torch.nn.Module):
    """Cross-entropy to the readers' chances of malignancy, plus the same to each characteristic they rated.

    A characteristic's output is the logit of a fraction of its scale; the readers' mean is the soft label. What was not
    rated (NaN) costs nothing. Every nodule weighs the same: the classes of LIDC-IDRI are balanced (336 to 370).

    Of several processes that share a batch, the mean of their losses is the loss of the whole batch.

    Args:
        characteristics_weight: of the mean over the characteristics, beside the classes' cross-entropy.
    """

    def __init__(self, characteristics_weight: float = 1.0) -> None:
        super().__init__()
        self.characteristics_weight = characteristics_weight

    def forward(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of a batch.

        Args:
            outputs: (n, 10) logits in the order of ``characteristics.OUTPUTS``.
            targets: (n, 10) as ``load_data_list(..., rating_chances=...)`` makes them.
        """
        n_classes = len(CLASSES)
        loss = functional.cross_entropy(outputs[:, :n_classes], targets[:, :n_classes])
        rated, wanted = outputs[:, n_classes:], targets[:, n_classes:]
        is_rated = torch.isfinite(wanted)
        # where, not a mask by index: its shape does not depend on the data, and an empty choice has no mean.
        each = functional.binary_cross_entropy_with_logits(rated, torch.where(is_rated, wanted, 0.5), reduction="none")
        mean = torch.where(is_rated, each, 0.0).sum() / _count_a_process(is_rated)
        return loss + self.characteristics_weight * mean


def _count_a_process(is_rated: torch.Tensor) -> torch.Tensor:
    """Return how many ratings a process holds on average, whose own share of a batch may hold more or fewer."""
    n_rated, n_processes = is_rated.sum(), int(idist.get_world_size())
    if n_processes == 1:
        return n_rated.clamp(min=1)
    in_all = torch.as_tensor(idist.all_reduce(n_rated))
    return in_all.clamp(min=1) / n_processes
