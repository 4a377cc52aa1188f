"""Which versions of the packages that decide a result are installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from nodulus import __version__

PACKAGES = (
    "torch", "monai", "pytorch-ignite", "numpy", "scipy", "pydicom", "highdicom", "nibabel", "SimpleITK",
    "python-gdcm", "pyjpegls", "pylibjpeg-openjpeg", "onnxruntime", "openvino",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the version of nodulus and of each package by its name."""
    return {"nodulus": __version__} | {name: version_of(name) or "not installed" for name in PACKAGES}


def version_of(package: str) -> str | None:
    """Return the version of a package, None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
