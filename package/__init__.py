"""nodulus: reads a chest CT truly, or refuses it by name, and scores its lung nodules."""

# Said here and nowhere else: pyproject.toml reads it, and a copy that travels without an installation still knows it.
__version__ = "0.1.0"
