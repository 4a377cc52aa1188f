"""Does a map that explains the score hold what it promises, on nodules whose outline is known?

python -m benchmarks.explain -o out/explain
"""
