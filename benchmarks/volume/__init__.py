"""How good is the volume? The outline's model is fitted to training patients, and measured on validation patients.

`python -m benchmarks.volume fit` writes transforms/measures/outline_model.py; `make bench-volume` measures:
docs/records/volume.json is the record, docs/records/volume.md the page made of it.
"""
