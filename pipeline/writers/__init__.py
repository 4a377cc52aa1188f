"""The files that show a case: pages, pictures and objects that need its scan beside the record."""
