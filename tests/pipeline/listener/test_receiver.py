"""What is acknowledged is on the disk; what cannot be kept is refused with the status that says why."""

from __future__ import annotations

import re
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom.ae import ApplicationEntity
from pynetdicom.dsutils import encode

from nodulus.pipeline.listener.receiver import Receiver
from nodulus.pipeline.listener.settings import Limits
from nodulus.transforms.problems import UsageError
from tests.load.raw_sender import RawConnection, object_units, request_unit, status_in
from tests.pipeline.listener.conftest import Listen, Received
from tests.support.certificates import make_certificate
from tests.support.listening import associate, send, status_of, wait_for
from tests.support.small_studies import SmallStudy, numbered

# Sockets that pynetdicom left open.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:Invalid value for VR UI:UserWarning"),  # pydicom's, of what a stranger sent
]
OUT_OF_RESOURCES = 0xA700


def files_of(received: Received) -> list[Path]:
    return sorted(received.spool.folder.glob("studies/*/*/*.dcm"))


def reasons(received: Received) -> dict[str, int]:
    return {label: n for (event, label), n in received.events.counts().items() if event == "refused"}


def test_an_object_that_is_acknowledged_is_on_the_disk_as_it_was_sent(listen: Listen, model_study: SmallStudy) -> None:
    received = listen()
    assert send(received.port, model_study.objects) == [0] * len(model_study.objects)
    kept = {str(each.SOPInstanceUID): each for each in map(dcmread, files_of(received))}
    assert {uid: each.to_json() for uid, each in kept.items()} == {
        str(each.SOPInstanceUID): each.to_json() for each in model_study.objects
    }
    assert list((received.spool.folder / "incoming").iterdir()) == []


def test_the_same_object_again_is_acknowledged_and_kept_once(listen: Listen, model_study: SmallStudy) -> None:
    received = listen()
    image = model_study.images[0]
    assert send(received.port, [image, image]) == [0, 0]
    assert send(received.port, [image]) == [0]
    assert len(files_of(received)) == 1
    assert received.events.counts()["copy", ""] == 2


def test_other_content_under_a_known_uid_is_refused_and_the_first_stays(
    listen: Listen, model_study: SmallStudy
) -> None:
    received = listen()
    other = numbered(model_study, 0).images[0]
    first = numbered(model_study, 0).images[0]
    other.SeriesDescription = "changed since"
    assert send(received.port, [first, other]) == [0, 0xC001]
    (path,) = files_of(received)
    assert "SeriesDescription" not in dcmread(path) or dcmread(path).SeriesDescription != "changed since"
    assert reasons(received) == {"other_content": 1}


def test_who_is_not_on_the_list_gets_no_association(listen: Listen, model_study: SmallStudy) -> None:
    received = listen(callers=("CT1", "PACS"))
    assert not associate(received.port, "STRANGER").is_established
    assert send(received.port, model_study.images[:1], "CT1") == [0]
    assert received.events.counts()["caller_refused", ""] == 1


def test_a_full_spool_refuses_and_loses_nothing(listen: Listen, model_study: SmallStudy) -> None:
    size = len(model_study.images[0].PixelData) + 8_000
    received = listen(Limits(spool_bytes=3 * size, free_bytes=0))
    statuses = send(received.port, model_study.images)
    n_taken = statuses.count(0)
    assert 1 <= n_taken <= 3
    assert statuses == [0] * n_taken + [OUT_OF_RESOURCES] * (len(statuses) - n_taken)
    assert len(files_of(received)) == n_taken
    assert received.spool.used_bytes <= 3 * size


def test_a_disk_without_room_refuses(listen: Listen, model_study: SmallStudy) -> None:
    received = listen(Limits(free_bytes=2**60))
    assert send(received.port, model_study.images[:1]) == [OUT_OF_RESOURCES]
    assert files_of(received) == []


def test_a_study_beyond_the_queue_is_refused_and_one_that_has_begun_goes_on(
    listen: Listen, model_study: SmallStudy
) -> None:
    received = listen(Limits(free_bytes=0, waiting_studies=2))
    first, second, third = (numbered(model_study, number) for number in (1, 2, 3))
    assert send(received.port, [first.images[0], second.images[0]]) == [0, 0]
    assert send(received.port, [third.images[0], first.images[1]]) == [OUT_OF_RESOURCES, 0]


def test_an_object_without_its_study_is_refused(listen: Listen, model_study: SmallStudy) -> None:
    received = listen()
    bare = numbered(model_study, 0).images[0]
    del bare.StudyInstanceUID
    assert send(received.port, [bare]) == [0xC000]
    assert reasons(received) == {"no_uid": 1}


def test_an_object_that_is_not_what_its_command_says_is_refused(listen: Listen, model_study: SmallStudy) -> None:
    received = listen()
    image = model_study.images[0]
    dataset = encode(image, False, True)
    assert dataset is not None
    connection = RawConnection(received.port)
    connection.send(request_unit())
    connection.unit()
    for name, expected in ((b"1.2.3", 0xA900), (b"../../x", 0xC000), (str(image.SOPInstanceUID).encode(), 0)):
        for unit in object_units(str(image.SOPClassUID), name, dataset):
            connection.send(unit)
        assert status_in(connection.unit()[1]) == expected
    connection.close()
    assert reasons(received) == {"misnamed": 1, "no_uid": 1}


def test_kinds_that_no_answer_is_made_of_are_refused_before_they_are_sent(listen: Listen) -> None:
    received = listen()
    ae = ApplicationEntity("SENDER")
    ae.add_requested_context("1.2.840.10008.5.1.4.1.1.7")
    ae.add_requested_context("1.2.840.10008.1.1")
    association = ae.associate("127.0.0.1", received.port)
    assert [str(each.abstract_syntax) for each in association.rejected_contexts] == ["1.2.840.10008.5.1.4.1.1.7"]
    assert association.send_c_echo().Status == 0
    association.release()


def test_an_object_without_end_ends_its_connection(listen: Listen, model_study: SmallStudy) -> None:
    received = listen(Limits(free_bytes=0, object_bytes=1_000_000))
    long = numbered(model_study, 0).images[0]
    long.PixelData = bytes(3_000_000)
    assert send(received.port, [long]) == [None]
    assert send(received.port, model_study.images * 10) == [0] * 10 * len(model_study.images)  # 2 MB in all
    assert len(files_of(received)) == len(model_study.images)


def test_a_study_has_a_sender_until_its_association_ends(listen: Listen, model_study: SmallStudy) -> None:
    received = listen()
    association = associate(received.port)
    assert status_of(association, model_study.images[0]) == 0
    time.sleep(0.4)
    assert received.board.next_due(0) is None
    association.abort()
    wait_for(lambda: received.board.next_due(0.1) is not None)


def test_with_a_certificate_nothing_but_tls_is_spoken(listen: Listen, model_study: SmallStudy, tmp_path: Path) -> None:
    own, key = make_certificate(tmp_path, "own")
    theirs, their_key = make_certificate(tmp_path, "theirs")
    received = listen(certificate=own, key=key, authority=theirs)
    silent = associate(received.port)
    assert not silent.is_established
    context = ssl.create_default_context(cafile=str(own))
    assert not associate(received.port, context=context).is_established  # it shows no certificate
    context.load_cert_chain(theirs, their_key)
    association = associate(received.port, context=context)
    assert [status_of(association, one) for one in model_study.objects] == [0] * len(model_study.objects)
    association.release()


def test_a_certificate_that_is_none_is_said_in_one_line(listen: Listen, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("nothing")
    with pytest.raises(UsageError, match=r"^Expected certificate, key and authority for .*own.pem, got: "):
        listen(certificate=tmp_path / "own.pem")


def test_a_port_that_is_taken_is_said_in_one_line(listen: Listen) -> None:
    received = listen()
    settings = received.receiver._settings
    taken = replace(settings, door=replace(settings.door, port=received.port))
    with pytest.raises(UsageError, match=rf"^Expected to listen at 127.0.0.1:{received.port}, got: "):
        Receiver(taken, received.spool, received.board, received.events).start()


def test_names_on_the_disk_tell_nothing_of_the_network(listen: Listen, model_study: SmallStudy) -> None:
    received = listen()
    send(received.port, model_study.objects)
    names = [path.name for path in received.spool.folder.glob("studies/**/*")]
    assert len(names) == 3 + len(model_study.objects)
    assert [name for name in names if not re.fullmatch(r"[0-9a-f]{32}(\.(ct|mark)\.dcm)?", name)] == []
