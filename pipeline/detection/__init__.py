"""Nodules found by a detection bundle of MONAI's kind: its network and settings, our reading of the scan."""
