"""A bundle's weights, loaded without running anything of theirs."""

from __future__ import annotations

from pathlib import Path

import torch

from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode


def load_weights(network: torch.nn.Module, path: Path) -> None:
    """Load a network's weights from a plain state dict.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the file holds something else, or numbers that are not finite.
    """
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a foreign file fails in as many ways as there are files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise _untrusted(f"Expected the state dict of the bundle's network in {path.name}, got: {reason}") from error
    spoilt = next((name for name, values in network.state_dict().items() if not torch.isfinite(values).all()), None)
    if spoilt is not None:
        raise _untrusted(f"Expected finite weights in {path.name}, got NaN or infinity in {spoilt}")


def _untrusted(message: str) -> InputRefusedError:
    return InputRefusedError(Problem(ProblemCode.UNTRUSTED_BUNDLE, message))
