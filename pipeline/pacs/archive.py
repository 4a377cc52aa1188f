"""An image archive that speaks DICOMweb: what is asked of it, and in one line why it did not answer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import HTTPError, InvalidJSONError, RequestException, Timeout
from retrying import RetryError

from .errors import ArchiveError

# Once more after a tenth of a second: by default the client tries for half a minute before it gives up.
_ATTEMPTS, _WAIT_MS = 2, 100
_ANSWERS_WITHIN_S = 60
# What comes before a break is kept, but for the last of these.
_CHUNK_BYTES = 1 << 17
# As it is stored, in whatever way it is compressed.
_AS_STORED = (("application/dicom", "*"),)
_UNREADABLE = (ValueError, KeyError, TypeError, EOFError, InvalidDicomError)
_SERIES_FIELDS = ("Modality", "SeriesDescription")


class Archive:
    """A DICOMweb server.

    Args:
        url: its root, to which ``/studies`` is added. Credentials come from ``.netrc`` or the address itself.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = DICOMwebClient(url=self.url, timeout=_ANSWERS_WITHIN_S, chunk_size=_CHUNK_BYTES)
        self._client.set_http_retry_params(max_attempts=_ATTEMPTS, wait_exponential_multiplier=_WAIT_MS)

    def series_of(self, study_uid: str) -> list[Dataset]:
        """Return what the archive says of each series of a study."""
        with self._at_work(f"list study {study_uid}"):
            found = self._client.search_for_series(study_uid, fields=list(_SERIES_FIELDS))
            return [_dataset(each) for each in found]

    def images_of(self, study_uid: str, series_uid: str) -> list[str]:
        """Return the SOPInstanceUIDs of a series."""
        with self._at_work(f"list series {series_uid}"):
            found = self._client.search_for_instances(study_uid, series_uid, get_remaining=True)
            return [str(_dataset(each).SOPInstanceUID) for each in found]

    def holds(self, written: Dataset) -> bool:
        """Return whether the archive finds an object under its study."""
        asked = {"SOPInstanceUID": str(written.SOPInstanceUID)}
        with self._at_work(f"look for {written.SOPInstanceUID}"):
            return bool(self._client.search_for_instances(str(written.StudyInstanceUID), search_filters=asked))

    def whole_series(self, study_uid: str, series_uid: str) -> Iterator[Dataset]:
        """Yield the objects of a series as they come, in one answer."""
        with self._at_work(f"send series {series_uid}"):
            yield from self._client.iter_series(study_uid, series_uid, media_types=_AS_STORED)

    def one(self, study_uid: str, series_uid: str, sop_uid: str) -> Dataset:
        """Return one object."""
        with self._at_work(f"send {sop_uid}"):
            found: Dataset = self._client.retrieve_instance(study_uid, series_uid, sop_uid, media_types=_AS_STORED)
            return found

    def store(self, written: Dataset) -> None:
        """Put an object into its study.

        Raises:
            ArchiveError: the archive does not take it.
        """
        with self._at_work(f"store {written.SOPInstanceUID}"):
            answer = self._client.store_instances([written], str(written.StudyInstanceUID))
        if failed := answer.get("FailedSOPSequence"):
            reason = failed[0].get("FailureReason", "unknown")
            raise ArchiveError(f"Expected {self.url} to store {written.SOPInstanceUID}, got failure reason {reason}")

    @contextmanager
    def _at_work(self, what: str) -> Iterator[None]:
        """Turn what the client raises into one line; nothing of ours runs inside, whose bugs would be hidden."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what pydicom finds odd and reads nevertheless
                yield
        except (RequestException, RetryError, *_UNREADABLE) as error:
            raise ArchiveError(f"Expected {self.url} to {what}, got {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, RetryError):
        return "that it is too busy"
    if isinstance(error, Timeout):
        return f"no answer within {_ANSWERS_WITHIN_S} s"
    if isinstance(error, NoConnectionError):
        return "no connection"
    is_cut = isinstance(error, RequestException) and not isinstance(error, InvalidJSONError)
    return "an answer that broke off" if is_cut else "an answer that is no DICOMweb"


def _dataset(answer: dict[str, Any]) -> Dataset:
    return Dataset.from_json(answer)
