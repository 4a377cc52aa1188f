"""What a nodule is, every format it comes from, where it lies in a scan, and its picture."""
