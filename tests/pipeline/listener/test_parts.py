"""What an object says of itself, what its sender announces, where answers go, what a monitor reads."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.dsutils import encode

from nodulus.pipeline.listener.announced import Told, is_short, read_told
from nodulus.pipeline.listener.arrival import Kind, UnusableError, file_of, read_arrival
from nodulus.pipeline.listener.events import Events
from nodulus.pipeline.listener.status_page import metrics_text, status_page
from nodulus.pipeline.listener.target import DicomTarget, WebTarget, read_target
from nodulus.transforms.problems import UsageError
from tests.support.small_studies import SmallStudy, numbered

CT = "1.2.840.10008.5.1.4.1.1.2"


def told(n: int, of_series: int = 0, of_acquisition: int = 0, acquisition: str = "1", series: str = "s") -> list[Told]:
    return [Told(series, acquisition, of_series, of_acquisition)] * n


@pytest.mark.parametrize(
    ("series", "others", "expected"),
    [
        (told(3), [], False),
        (told(3, of_series=3), [], False),
        (told(3, of_series=4), [], True),
        (told(4, of_series=3), [], False),
        (told(3, of_acquisition=6), [], True),
        (told(3, of_acquisition=6), told(3, acquisition="2", series="t"), True),
        (told(3, of_acquisition=6), told(3, series="t"), False),  # one acquisition, reconstructed twice
        ([*told(2), *told(1, of_series=5)], [], True),
    ],
)
def test_a_series_is_short_where_its_images_say_that_there_are_more(
    series: list[Told], others: list[Told], expected: bool
) -> None:
    assert is_short(series, [*series, *others]) is expected


def test_images_say_how_many_there_are(model_study: SmallStudy, tmp_path: Path) -> None:
    image = numbered(model_study, 1).images[0]
    image.NumberOfSeriesRelatedInstances, image.ImagesInAcquisition, image.AcquisitionNumber = 12, 24, 3
    image.save_as(tmp_path / "image.dcm")
    assert read_told(tmp_path / "image.dcm") == Told(str(image.SeriesInstanceUID), "3", 12, 24)
    for odd in ("", "-1", "many", "9" * 30, "100001"):
        image["NumberOfSeriesRelatedInstances"]._value = odd
        image.save_as(tmp_path / "odd.dcm", enforce_file_format=False)
        assert read_told(tmp_path / "odd.dcm").of_series == 0
    (tmp_path / "damaged.dcm").write_bytes(b"\0" * 200)
    assert read_told(tmp_path / "damaged.dcm") == Told("", "", 0, 0)


def test_a_file_made_of_what_came_reads_as_it_was_sent(model_study: SmallStudy) -> None:
    image = model_study.images[0]
    bare = encode(image, True, True)
    assert bare is not None
    content = file_of(CT, str(image.SOPInstanceUID), ImplicitVRLittleEndian, bare)
    found = dcmread(io.BytesIO(content))
    assert found.to_json() == image.to_json()
    assert found.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    arrival = read_arrival(content)
    assert (arrival.study_uid, arrival.sop_uid, arrival.kind) == (
        str(image.StudyInstanceUID),
        str(image.SOPInstanceUID),
        Kind.IMAGE,
    )


@given(some.text(max_size=80))
def test_no_text_but_a_uid_names_an_object(text: str) -> None:
    if re.fullmatch(r"[0-9.]{1,64}", text):
        assert file_of(CT, text, "1.2", b"")
    else:
        with pytest.raises(UnusableError):
            file_of(CT, text, "1.2", b"")


@given(some.binary(max_size=600))
def test_any_bytes_are_an_arrival_or_refused(content: bytes) -> None:
    for start in (b"", bytes(128) + b"DICM", file_of(CT, "1.2.3", "1.2.840.10008.1.2.1", b"")):
        with pytest.raises(UnusableError):
            read_arrival(start + content)


@pytest.mark.parametrize(
    ("text", "title", "host", "port"),
    [("ORTHANC@127.0.0.1:4242", "ORTHANC", "127.0.0.1", 4242), ("A B@pacs.local:104", "A B", "pacs.local", 104)],
)
def test_an_archive_is_named_by_title_host_and_port(text: str, title: str, host: str, port: int) -> None:
    target = read_target(text, "NODULUS")
    assert isinstance(target, DicomTarget)
    assert (target.title, target.host, target.port) == (title, host, port)


def test_an_archive_is_named_by_its_address() -> None:
    assert isinstance(read_target("https://pacs/dicom-web", "NODULUS"), WebTarget)


@pytest.mark.parametrize("text", ["", "pacs", "ORTHANC@127.0.0.1", "O@h:0", "O@h:99999", "@h:1", "A" * 17 + "@h:1"])
def test_what_names_no_archive_is_said_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^Expected an archive as TITLE@HOST:PORT or a DICOMweb address, got"):
        read_target(text, "NODULUS")


def test_a_monitor_reads_what_happened_and_a_log_tells_of_it_in_json() -> None:
    log = io.StringIO()
    events = Events(log)
    for _ in range(3):
        events.note("stored")
    events.note("refused", reason="damaged")
    events.note("looked", study="abc", outcome="scored")
    events.took("acknowledge", 0.25)
    with status_page(0, events, lambda: [('studies{state="waiting"}', "Studies.", 2.0)], lambda: True) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30).status == 200
        with pytest.raises(HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/../../etc/passwd", timeout=30)
    for line in (
        "nodulus_listen_objects_stored_total 3",
        'nodulus_listen_objects_refused_total{reason="damaged"} 1',
        'nodulus_listen_studies_looked_at_total{outcome="scored"} 1',
        "nodulus_listen_acknowledge_seconds_sum 0.250000",
        "nodulus_listen_acknowledge_seconds_count 1",
        'nodulus_listen_studies{state="waiting"} 2',
    ):
        assert f"\n{line}\n" in text
    assert re.fullmatch(r'(?:(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{\w+="\w+"\})? [0-9.e+]+)\n)+', text)
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [each["event"] for each in told] == ["refused", "looked"]


def test_a_listener_that_is_not_at_work_says_so() -> None:
    with status_page(0, Events(io.StringIO()), list, lambda: False) as port, pytest.raises(HTTPError, match="503"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30)


def test_counters_are_there_before_anything_happened() -> None:
    assert "\nnodulus_listen_objects_stored_total 0\n" in metrics_text(Events(), list)
