"""How steady are the scores: what share of validation nodules stays within 0.05, asked for a little otherwise?

`make bench-stability` measures: docs/records/stability.json is the record, docs/records/stability.md its page.
"""
