"""What scores are worth on labelled nodules, as numbers, plots and one page."""

from __future__ import annotations

from nodulus.transforms.facade import lazy_names

# Where the configs of bundles up to 0.2.0 look for it.
__getattr__ = lazy_names(__name__, {"EvaluationReport": ".handler"})
