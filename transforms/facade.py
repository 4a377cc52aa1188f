"""A package's public names, loaded when they are asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module


def lazy_names(
    package: str, home_of: Mapping[str, str], former_modules: Collection[str] = ()
) -> Callable[[str], object]:
    """Return a ``__getattr__`` (PEP 562) for a package that imports nothing until one of its names is used.

    Args:
        package: the package's full name.
        home_of: for each public name, the module that holds it, as an import in the package would name it.
        former_modules: modules that earlier versions had in this package. Each now stands for the package itself, so
            that a bundle whose config says ``nodulus.transforms.dictionary.OpenCTd`` still finds its class.
    """

    def get(name: str) -> object:
        if name in former_modules:
            return sys.modules[package]
        if name not in home_of:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        try:
            return getattr(import_module(home_of[name], package), name)
        except AttributeError as error:
            # Python would take it for a missing name, and hide what is really broken.
            msg = f"{package}.{name} cannot be loaded: {error}"
            raise ImportError(msg) from error

    return get
