"""The recipes for hospitals: Orthanc with the script, the compose file, the module for mercure."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydicom import dcmread
from pydicom.uid import Comprehensive3DSRStorage

from nodulus.pipeline.listener.settings import Door, Limits
from nodulus.pipeline.listener.target import read_target
from tests.pipeline.listener.conftest import receiving
from tests.support.dicom_validators import needed_tool
from tests.support.listening import sender, wait_for
from tests.support.orthanc import counts_in, free_port, running_orthanc
from tests.support.pages import ROOT
from tests.support.small_studies import SmallStudy, numbered

# Sockets that pynetdicom left open where nobody listened.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
EXAMPLES = ROOT / "examples"
CONFIGURATION: dict[str, Any] = json.loads((EXAMPLES / "orthanc" / "orthanc.json").read_text())
# What differs on the machine of a test.
_OF_THE_PLACE = ("StorageDirectory", "IndexDirectory", "HttpPort", "DicomPort", "LuaScripts", "Plugins", "StableAge")


def on_this_machine(dicom_port: int, listener_port: int) -> dict[str, Any]:
    """Return the configuration of the recipe, but for what differs on the machine of a test."""
    ours = {key: value for key, value in CONFIGURATION.items() if key not in _OF_THE_PLACE}
    titles = {name: entry[0] for name, entry in CONFIGURATION["DicomModalities"].items()}
    modalities = {
        "nodulus": [titles["nodulus"], "127.0.0.1", listener_port],
        "scanner": [titles["scanner"], "127.0.0.1", 104],
    }
    script = {"LuaScripts": [str(EXAMPLES / "orthanc" / "nodulus.lua")], "StableAge": 1}
    inside = {"DicomCheckModalityHost": True, "RemoteAccessAllowed": False, "AuthenticationEnabled": False}
    return {
        **ours,
        "DicomModalities": modalities,
        "DicomServerEnabled": True,
        "DicomPort": dicom_port,
        **script,
        **inside,
    }


def test_orthanc_sends_what_is_stable_but_for_our_reports_and_takes_answers(
    model_study: SmallStudy, tmp_path: Path
) -> None:
    sent, dicom_port = numbered(model_study, 1), free_port()
    ours = numbered(model_study, 2).marks
    ours.StudyInstanceUID, ours.Manufacturer, ours.SOPClassUID = sent.study_uid, "nodulus", Comprehensive3DSRStorage
    ours.file_meta.MediaStorageSOPClassUID = Comprehensive3DSRStorage
    ours.save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    door = Door(port=0, callers=(CONFIGURATION["DicomAet"],))
    with receiving(tmp_path / "spool", door, Limits(free_bytes=0)) as received:
        with running_orthanc(tmp_path / "pacs", **on_this_machine(dicom_port, received.port)) as address:
            read_target(f"{CONFIGURATION['DicomAet']}@127.0.0.1:{dicom_port}", "NODULUS").store([tmp_path / "sr.dcm"])
            association = sender("SCANNER").associate("127.0.0.1", dicom_port, ae_title="ORTHANC")
            assert [association.send_c_store(one).Status for one in sent.objects] == [0] * len(sent.objects)
            association.release()
            wait_for(lambda: sum(received.spool.studies().values()) == len(sent.objects))
            time.sleep(2)  # what is stable later would come, too
            assert counts_in(address) == {"CT": len(sent.images), "SR": 2}
        assert list(received.spool.studies().values()) == [len(sent.objects)]


def test_the_compose_file_is_in_order() -> None:
    compose = yaml.safe_load((EXAMPLES / "compose" / "compose.yaml").read_text())
    assert set(compose) <= {"name", "services", "networks", "volumes"}
    assert set(compose["services"]) == {"orthanc", "nodulus"}
    for service in compose["services"].values():
        assert ("image" in service) != ("build" in service)
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", [])) <= set(compose["services"])
        for place in service["volumes"]:
            source = place.split(":")[0]
            is_file = source.startswith(".") and (EXAMPLES / "compose" / source).is_file()
            assert is_file or source in compose["volumes"], source
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port
    build = compose["services"]["nodulus"]["build"]
    context = (EXAMPLES / "compose" / build["context"]).resolve()
    assert context == ROOT
    text = (context / build["dockerfile"]).read_text()
    assert all(f"\nARG {name}=" in text for name in build["args"])


def test_the_two_of_the_compose_file_name_each_other() -> None:
    compose = yaml.safe_load((EXAMPLES / "compose" / "compose.yaml").read_text())["services"]
    command = compose["nodulus"]["command"]
    title, _, place = next(word for word in command if word.startswith("--to=")).removeprefix("--to=").partition("@")
    assert (title, place) == (CONFIGURATION["DicomAet"], f"orthanc:{CONFIGURATION['DicomPort']}")
    assert f"--callers={CONFIGURATION['DicomAet']}" in command
    assert CONFIGURATION["DicomModalities"]["nodulus"] == ["NODULUS", "nodulus", 11112]
    mounted = [place.split(":")[1] for place in compose["orthanc"]["volumes"]]
    assert set(CONFIGURATION["LuaScripts"]) <= set(mounted)
    assert CONFIGURATION["StorageDirectory"] in mounted


def test_the_command_of_the_compose_file_is_understood(capfd: pytest.CaptureFixture[str]) -> None:
    from nodulus.pipeline.command.main import run

    compose = yaml.safe_load((EXAMPLES / "compose" / "compose.yaml").read_text())["services"]
    words = [*compose["nodulus"]["command"], "--tls-ca", "nothing"]  # the last thing that is looked at before it starts
    assert run(words) == 2
    assert "Expected --tls-cert beside" in capfd.readouterr().err


@pytest.mark.slow
def test_the_module_for_mercure_gives_report_and_pictures(model_study: SmallStudy, tmp_path: Path) -> None:
    came, goes = tmp_path / "in", tmp_path / "out"
    for folder in (came, goes):
        folder.mkdir()
    sent = numbered(model_study, 2)
    for index, one in enumerate(sent.objects):
        one.save_as(came / f"{index}.dcm", enforce_file_format=True)
    (came / "task.json").write_text(json.dumps({"process": {"settings": {"allow": "thick_slices"}}}))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MERCURE_IN_DIR": str(came), "MERCURE_OUT_DIR": str(goes)}
    module = shutil.copytree(EXAMPLES / "mercure", tmp_path / "module")
    command = [needed_tool("bash", "bash"), str(module / "docker-entrypoint.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in goes.iterdir()) == ["0-1.dcm", "0-sr.dcm"]
    assert {str(dcmread(each).StudyInstanceUID) for each in goes.iterdir()} == {sent.study_uid}
    (came / f"{len(sent.images)}.dcm").unlink()  # the marks
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 1


def test_the_dockerfile_of_the_module_copies_what_is_there() -> None:
    text = (EXAMPLES / "mercure" / "Dockerfile").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("COPY ")]
    names = line.split()[2:-1]
    assert names
    assert all((EXAMPLES / "mercure" / name).is_file() for name in names)
    assert f'ENTRYPOINT ["/app/{names[0]}"]' in text
