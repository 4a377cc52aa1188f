"""A nodule's patch: its pose, its box, its voxels, and what of it is shown; the MONAI transforms."""
