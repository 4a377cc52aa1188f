"""Where the packages lie in the checkout, and what they are installed as."""

from __future__ import annotations

# The root package's own folder must not be called as the package is: seen from the root it would hide the others.
HOME_OF = {
    "package": "nodulus",
    "bundles": "nodulus/bundles",
    "pipeline": "nodulus/pipeline",
    "transforms": "nodulus/transforms",
}
# Run by a Python of its own, prints the file of each.
FILES = f"""
from importlib import import_module
print(*(import_module(name).__file__ for name in {[home.replace("/", ".") for home in HOME_OF.values()]}))
"""
