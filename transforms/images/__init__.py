"""NIfTI, MetaImage and NRRD: their headers, and the checks on them."""
