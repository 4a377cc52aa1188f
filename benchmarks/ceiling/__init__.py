"""How far does the label itself allow any score to come, and where do readers waver?

`make bench-ceiling CROPS=FOLDER` measures: docs/records/ceiling.json is the record, docs/records/ceiling.md its page.
"""
