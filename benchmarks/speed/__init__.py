"""How fast is it, and how much memory does it take, side by side with the alternatives?

`make bench` times a scan's way from its path to a patch and a score, in one process, in turn with SimpleITK and stock
MONAI on the same scans, and the commands as whole processes; it compares what both sides computed, so that equal work
is timed. `out/bench.json` is the record, docs/records/performance.md the page made of it.
"""
