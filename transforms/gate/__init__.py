"""What is expected of a scan, why, and the verdict; knows no file format."""
