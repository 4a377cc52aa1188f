"""Studies go from senders through `nodulus listen` into a real Orthanc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from tests.load.audit import ArchiveWatch, Report, last_reports, reports_in
from tests.load.run import Load, run_load
from tests.support.listening import SETTLE_S, ListenerProcess, listening, send, wait_for
from tests.support.orthanc import free_port, hearing, running_orthanc
from tests.support.small_studies import SmallStudy, numbered, template

# Sockets that pynetdicom left open where nobody listened.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PATIENCE_S = 8


class Hospital:
    """A listener, its archive, and what has come there."""

    def __init__(self, listener: ListenerProcess, address: str, watch: ArchiveWatch) -> None:
        self.listener, self.address, self.watch = listener, address, watch

    def reports(self, study: SmallStudy) -> list[Report]:
        return reports_in(self.address, self.watch)[0].get(study.study_uid, [])

    def n_pictures(self, study: SmallStudy) -> int:
        return reports_in(self.address, self.watch)[1][study.study_uid]

    def send(self, objects: list[Dataset]) -> None:
        assert send(self.listener.port, objects) == [0] * len(objects)

    def outcomes(self) -> list[str]:
        return [each["outcome"] for each in self.listener.events("looked")]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    folder = tmp_path_factory.mktemp("hospital")
    with running_orthanc(folder / "pacs") as address:
        watch = ArchiveWatch(address)
        with listening(folder / "spool", f"{address}/dicom-web", "--patience", str(PATIENCE_S)) as listener:
            yield Hospital(listener, address, watch)
        watch.stop()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["SEG", "SR", "RTSTRUCT"])
def test_a_study_with_marks_is_answered_in_the_archive(
    kind: str, hospital: Hospital, study: DemoStudy, tmp_path: Path
) -> None:
    number = 100 + ["SEG", "SR", "RTSTRUCT"].index(kind)
    sent = numbered(template(study.dicom_folder, tmp_path, kind=kind), number)
    hospital.send([sent.marks, *sent.images])
    wait_for(lambda: hospital.reports(sent))
    (report,) = hospital.reports(sent)
    assert (report.before, report.n_images) == (None, len(sent.images))
    wait_for(lambda: hospital.n_pictures(sent) == 1)


@pytest.mark.slow
def test_late_images_make_a_report_that_names_the_one_before(hospital: Hospital, model_study: SmallStudy) -> None:
    sent = numbered(model_study, 110)
    hospital.send([sent.marks, *sent.images[:-3]])
    wait_for(lambda: len(hospital.reports(sent)) == 1)
    hospital.send(sent.images[-3:])
    wait_for(lambda: len(hospital.reports(sent)) == 2)
    (first,) = [each for each in hospital.reports(sent) if each.before is None]
    (last,) = last_reports(hospital.reports(sent))
    assert (first.n_images, last.n_images) == (len(sent.images) - 3, len(sent.images))
    assert last.before == first.sop_uid


@pytest.mark.slow
def test_a_hole_is_waited_for(hospital: Hospital, model_study: SmallStudy) -> None:
    sent, n_before = numbered(model_study, 120), len(hospital.outcomes())
    hospital.send([sent.marks, *sent.images[:3], *sent.images[4:]])
    wait_for(lambda: len(hospital.outcomes()) > n_before)
    assert hospital.outcomes()[-1] == "missing_slices"
    assert hospital.reports(sent) == []
    hospital.send(sent.images[3:4])
    wait_for(lambda: hospital.reports(sent))
    (report,) = hospital.reports(sent)
    assert (report.before, report.n_images) == (None, len(sent.images))


@pytest.mark.slow
def test_announced_images_are_waited_for(hospital: Hospital, model_study: SmallStudy) -> None:
    def announce(image: Dataset) -> None:
        image.NumberOfSeriesRelatedInstances = len(model_study.images)

    sent, n_before = numbered(model_study, 130, announce), len(hospital.outcomes())
    hospital.send([sent.marks, *sent.images[:-2]])
    wait_for(lambda: len(hospital.outcomes()) > n_before)
    assert hospital.outcomes()[-1] == "announced_images"
    hospital.send(sent.images[-2:])
    wait_for(lambda: hospital.reports(sent))
    (report,) = hospital.reports(sent)
    assert (report.before, report.n_images) == (None, len(sent.images))


@pytest.mark.slow
def test_our_own_report_that_comes_back_wakes_nobody_for_long(hospital: Hospital, model_study: SmallStudy) -> None:
    sent = numbered(model_study, 140)
    hospital.send(sent.objects)
    wait_for(lambda: len(hospital.reports(sent)) == 1)
    answers = sorted(
        hospital.listener.spool.glob("studies/*/answers/*/*/sr.dcm"), key=lambda path: path.stat().st_mtime
    )
    ours = dcmread(answers[-1])
    assert ours.StudyInstanceUID == sent.study_uid
    n_before = len(hospital.listener.events("delivered"))
    hospital.send([ours])
    wait_for(lambda: len(hospital.listener.events("delivered")) > n_before)
    assert len(hospital.reports(sent)) == 1
    assert hospital.n_pictures(sent) == 1


@pytest.mark.slow
def test_a_study_without_marks_says_so_and_the_log_names_nobody(hospital: Hospital, model_study: SmallStudy) -> None:
    sent, n_before = numbered(model_study, 150), len(hospital.outcomes())
    hospital.send(sent.images)
    wait_for(lambda: len(hospital.outcomes()) > n_before)
    assert hospital.outcomes()[-1] == "no_marks"
    log = hospital.listener.log.read_text()
    image = sent.images[0]
    for name in (sent.study_uid, sent.series_uid, image.SOPInstanceUID, image.PatientID, str(image.PatientName)):
        assert not name or str(name) not in log
    assert "SENDER" not in log


@pytest.mark.slow
def test_answers_go_by_c_store_too(model_study: SmallStudy, tmp_path: Path) -> None:
    port = free_port()
    sent = numbered(model_study, 160)
    with running_orthanc(tmp_path / "pacs", **hearing(port, "NODULUS")) as address:
        watch = ArchiveWatch(address)
        with listening(tmp_path / "spool", f"ORTHANC@127.0.0.1:{port}") as listener:
            assert set(send(listener.port, sent.objects)) == {0}
            wait_for(lambda: listener.events("delivered"))
            assert listener.stop() == 0
        wait_for(lambda: len(watch.seen) == 2)
        watch.stop()
        reports, pictures = reports_in(address, watch)
    assert [len(each) for each in reports.values()] == [1]
    assert pictures[sent.study_uid] == 1


@pytest.mark.slow
def test_a_small_load_with_kills_loses_nothing_and_doubles_nothing(model_study: SmallStudy, tmp_path: Path) -> None:
    found = run_load(Load(n_studies=10, n_kills=2, a_second=4, settle_s=SETTLE_S, seed=7), model_study, tmp_path)
    nothing = ("objects_lost", "objects_doubled", "strangers_let_in")
    assert {name: found[name] for name in nothing} == dict.fromkeys(nothing, 0)
    assert (found["answers_lost"], found["answers_doubled"]) == ([], [])
    assert found["strangers"]


def test_a_wrong_call_is_said_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for words, expected in (
        (["--to", "pacs"], "nodulus: Expected an archive as TITLE@HOST:PORT or a DICOMweb address, got 'pacs'\n"),
        (["--to", "A@h:1", "--callers", "A\\B"], "nodulus: Expected an AE title of 1 to 16 letters, got 'A\\B'\n"),
        (["--to", "A@h:1", "--tls-key", "k"], "nodulus: Expected --tls-cert beside --tls-key and --tls-ca, got none\n"),
    ):
        assert run(["listen", str(tmp_path / "spool"), *words]) == 2
        assert capfd.readouterr().err == expected
