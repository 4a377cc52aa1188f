"""What is done once for each set of weights that is shipped.

`experiments` trains the variants that settings are chosen among, `ship_weights` puts a run into the bundle with its
records, `flag_rates` measures how often nodules and other places are flagged, and `model_card` writes the card, its
details, the bundle's page and the README's figures from those records. It reads the study (`lidc`) and the bundle.
"""
