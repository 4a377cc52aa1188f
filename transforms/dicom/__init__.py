"""One DICOM file: its elements, and its slice header in numbers; judges nothing."""
