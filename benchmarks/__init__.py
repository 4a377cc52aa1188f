"""Measurements of nodulus, none of which it needs to run: its speed, the study behind the model card, and releases."""
