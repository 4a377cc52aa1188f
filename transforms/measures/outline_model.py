"""The outline's model: written by `python -m benchmarks.volume fit`, which fits it to training patients."""

# Of the features distance, density, thinnest, way, core, log_diameter, height.
MEAN = (1.3131, 0.29393, 0.24765, 0.73233, -0.056113, 2.0484, 0.57165)
SCALE = (0.35709, 0.35993, 0.37052, 0.21373, 0.22916, 0.47589, 0.37924)
# Of the features, less their mean and over their scale, then of their products: 1 x 1, 1 x 2, ..., 7 x 7.
COEFFICIENTS = (
    -1.6088,
    -0.46074,
    1.8844,
    1.3286,
    -0.31493,
    -0.0092183,
    0.15478,
    0.0096793,
    -0.8028,
    -0.1042,
    0.49913,
    -0.16568,
    0.029949,
    -0.020526,
    -0.47236,
    -1.027,
    0.3872,
    -0.4392,
    0.060743,
    0.071078,
    0.027202,
    0.3218,
    -0.076257,
    0.098656,
    0.053385,
    -0.070405,
    0.58876,
    -0.075286,
    -0.12501,
    -0.022142,
    -0.1785,
    0.11695,
    -0.054607,
    -0.093617,
    -0.0021482,
)
INTERCEPT = -1.3715
