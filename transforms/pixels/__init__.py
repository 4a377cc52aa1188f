"""The stored numbers and Hounsfield units of one slice; streams are checked before a C decoder sees them."""
