"""To and from an image archive (PACS) by DICOMweb: a study and its marks come, results go back."""
