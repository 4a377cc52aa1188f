"""The one door from a path to a scan."""
