"""From cases to results: open, score, record."""
