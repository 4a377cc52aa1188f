"""What is computed on voxels: reading a chest CT truly, cutting nodule patches, augmenting them."""
