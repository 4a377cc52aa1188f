"""The device that a network runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nodulus.transforms.problems import UsageError

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda", "mps"]


def find_device(name: Device) -> torch.device:
    """Return a device of this machine; "auto" takes CUDA where there is one.

    Raises:
        UsageError: when it is not there.
    """
    import torch  # loaded late: the command's options name the devices, and `nodulus --help` should not wait for torch

    is_there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if is_there["cuda"] else "cpu")
    if not is_there.get(name, False):
        here = ", ".join(device for device, found in is_there.items() if found)
        msg = f"Expected a device of this machine ({here}), got '{name}'"
        raise UsageError(msg)
    return torch.device(name)
