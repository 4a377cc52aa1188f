"""Do age and sex add to the image score? Asked of LIDC-IDRI's patients, on the out-of-fold scores that are kept.

`make bench-patient CROPS=FOLDER` measures: docs/records/patient.json is the record, docs/records/patient.md its page.
"""
