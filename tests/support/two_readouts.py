"""What a small network of two readouts is made of."""

from __future__ import annotations

from typing import Any

DEFINITION: dict[str, Any] = {
    "block": "bottleneck", "layers": [1, 2, 1, 1], "block_inplanes": [4, 4, 8, 8], "n_input_channels": 1,
    "conv1_t_size": (7, 7, 3), "conv1_t_stride": (2, 2, 1), "bias_downsample": False, "num_classes": 10,
}  # fmt: skip
