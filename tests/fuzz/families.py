"""All families, in the order of the table."""

from __future__ import annotations

from .archives import ARCHIVES
from .command_door import BY_COMMAND, JOURNALS
from .compressed import REAL_STREAMS, STREAMS
from .dicom_files import DICOM_FILES
from .image_files import IMAGES
from .nodule_files import MASKS, NODULE_JSON, OBJECTS, TABLES
from .records import RECORDS, WEIGHTS

FAMILIES = (
    *(DICOM_FILES, STREAMS, REAL_STREAMS, ARCHIVES, IMAGES),
    *(TABLES, NODULE_JSON, OBJECTS, MASKS, RECORDS, WEIGHTS),
    *(BY_COMMAND, JOURNALS),
)
