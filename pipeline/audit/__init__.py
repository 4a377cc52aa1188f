"""What a bundle would run, read without running any of it, and whether each of it is on the allow-list."""
