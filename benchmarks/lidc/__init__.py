"""Cross-validation on the patient folds of a published LIDC-IDRI benchmark, beside its scores and simple baselines."""
