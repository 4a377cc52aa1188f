"""From raw outputs to probabilities: calibration, characteristics, training range, the Brock model."""
