"""The study behind the model card: cross-validation on the patient folds of a published LIDC-IDRI benchmark.

`make bench-model CROPS=FOLDER` trains a network in each fold and sets it, on the same nodules, beside the published
scores, the diameter and baselines fitted in the same folds. `OUT/benchmark.json` is the record, which the bundle keeps;
docs/records/benchmark.md is the page made of it. Nothing here ships.
"""
