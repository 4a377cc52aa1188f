"""The MONAI bundles that nodulus brings, as data: no code but this line."""
