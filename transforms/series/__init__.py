"""Many slices into one stack: choose, check, order, refuse."""
