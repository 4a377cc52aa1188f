"""Data lists: what they hold, the checks on them, LIDC's preparation, who trained the weights."""
