"""A bundle's folder: find it, identify it, load its weights, make a workflow of it."""
