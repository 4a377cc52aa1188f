"""What was found, as one typed record, and the files that are plain views of it."""
