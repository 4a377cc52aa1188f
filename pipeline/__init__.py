"""What runs: scoring, training, evaluating, reporting."""
