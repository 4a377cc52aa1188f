"""What a federation of hospitals is worth: the makers of the LIDC-IDRI scanners as sites, against alone and pooled."""
