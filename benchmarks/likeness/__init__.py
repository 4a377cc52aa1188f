"""Fits and measures the flag that says that no nodule lies at a place; `python -m benchmarks.likeness`."""
