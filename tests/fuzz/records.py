"""Files of a bundle and of a training: data lists, calibration, metadata, patients' hashes, weights."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from random import Random

from nodulus.pipeline.bundle.folder import CALIBRATION, METADATA
from nodulus.pipeline.bundle.identity import read_metadata
from nodulus.pipeline.data.data_list import DataListFile
from nodulus.pipeline.data.training_patients import hash_patients, read_training_patients
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.records import Record

from . import damage
from .subject import Family, Found, Subject, in_file

_BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / "lung_nodule_ct_classification"
_ITEM = {
    **{"image": "a.nii.gz", "nodule_id": "n1", "patient_id": "p1", "center_lps_mm": [1, 2, 3], "diameter_mm": 8.5},
    **{"box_lps_mm": [0, 0, 0, 4, 5, 6], "label": 1, "ratings": [4, 5], "characteristics": {"subtlety": [3, 4]}},
}
_LIST = {
    "label_meaning": "ratings",
    "training": [_ITEM],
    "validation": [{**_ITEM, "image": "b.nii.gz", "patient_id": "p2", "label": 0}],
}


def _subjects(folder: Path) -> list[Subject]:
    (folder / "bundle" / METADATA).parent.mkdir(parents=True)
    metadata = folder / "bundle" / METADATA
    patients = hash_patients(["p1", "p2"], bytes(16)).model_dump_json()
    contents = [
        ("data list", json.dumps(_LIST), folder / "list.json", _read_list),
        ("calibration", (_BUNDLE / CALIBRATION).read_text(), folder / "calibration.json", read_calibration),
        ("metadata", (_BUNDLE / METADATA).read_text(), metadata, lambda path: read_metadata(path.parents[1])),
        ("training patients", patients, folder / "training_patients.json", read_training_patients),
    ]
    return [Subject(name, text.encode(), damage.of_json, in_file(path, read)) for name, text, path, read in contents]


def _read_list(path: Path) -> Record:
    data = DataListFile.read(path)
    assert len(data.data_hash) == 64
    return data.data


class _Call:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.mkdir, ("pickle-was-run",)


def _weights(folder: Path) -> list[Subject]:
    import torch

    from nodulus.pipeline.bundle.weights import load_weights

    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    content = io.BytesIO()
    torch.save(network.state_dict(), content)

    def read(path: Path) -> Found:
        load_weights(network, path)
        assert not Path("pickle-was-run").exists()
        return {name: value.tolist() for name, value in network.state_dict().items()}

    def evil(_: bytes, chance: Random) -> bytes:
        plain = pickle.dumps({"weight": _Call()}, protocol=chance.randrange(2, 6))
        zipped = io.BytesIO()
        torch.save({"weight": _Call()}, zipped)
        return chance.choice((plain, zipped.getvalue(), damage.of_bytes(plain, chance)))

    path = in_file(folder / "model.pt", read)
    return [Subject(way.__name__, content.getvalue(), way, path) for way in (damage.of_bytes, evil)]


RECORDS = Family("lists and bundle files", 80, _subjects)
WEIGHTS = Family("weights", 20, _weights)
