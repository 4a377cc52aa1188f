"""Train a bundle's network, and calibrate it."""
