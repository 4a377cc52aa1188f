"""What exports would run is read without running it; one that was changed, or is of other weights, is told."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from nodulus.pipeline.audit.audit import audit_bundle
from nodulus.pipeline.audit.export_manifest import EXPORTS
from nodulus.pipeline.audit.finding import Kind
from nodulus.pipeline.audit.onnx_graph import onnx_found
from nodulus.pipeline.audit.places import BundleFile
from nodulus.pipeline.bundle.pack import pack_bundle
from nodulus.pipeline.command.compared_patches import items_of_phantom
from nodulus.pipeline.command.main import run
from nodulus.pipeline.engines.load import load_torch
from tests.support.engines import bundle_with_exports, inference_config, installed, need


@pytest.fixture(scope="module")
def exported(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for engine in ("onnx", "openvino", "torchscript"):
        need(engine)
    return bundle_with_exports(bundle, tmp_path_factory.mktemp("exported"))


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / exported.name)


def test_ours_pass_and_what_they_compute_with_is_told(exported: Path) -> None:
    audit = audit_bundle(exported)
    assert audit.refused == ()
    told = {finding.kind: finding.found for finding in audit.findings}
    assert "torch._convolution" in told[Kind.TORCHSCRIPT]
    assert "Conv" in told[Kind.ONNX]
    (network,) = [one for one in audit.findings if one.kind is Kind.OPENVINO and one.file.endswith(".xml")]
    assert "Convolution" in network.found
    hashed = {finding.file for finding in audit.findings if finding.kind is Kind.HASH}
    assert hashed == {f"models/model.{suffix}" for suffix in ("ts", "onnx", "xml", "bin")}


def test_what_monai_exports_passes_too(bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    whole = load_torch(copy, inference_config(copy), "cpu")
    torch.jit.save(torch.jit.script(whole.network), copy / "models/scripted.ts")
    torch.jit.save(torch.jit.trace(whole.network, whole.patches(items_of_phantom()[:1])), copy / "models/traced.pt")
    assert audit_bundle(copy).refused == ()


class _Reads(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file("/etc/passwd", shared=False, size=4, dtype=torch.float32)


def _scripted(module: torch.nn.Module) -> bytes:
    content = io.BytesIO()
    torch.jit.save(torch.jit.script(module), content)
    return content.getvalue()


def _with_member(name: str, content: bytes) -> bytes:
    whole = io.BytesIO(_scripted(torch.nn.Linear(2, 2)))
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr(f"archive/{name}", content)
    return whole.getvalue()


def _rewritten(old: bytes, new: bytes) -> bytes:
    """Return TorchScript whose code calls something else, as no compiler of torch's would write it."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_scripted(torch.nn.ReLU()))) as whole, zipfile.ZipFile(content, "w") as changed:
        for name in whole.namelist():
            text = whole.read(name)
            changed.writestr(name, text.replace(old, new) if name.endswith(".py") else text)
    assert new in content.getvalue()
    return content.getvalue()


def _model(change: Callable[[Any], None]) -> bytes:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    added = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    node = helper.make_node("Add", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [value], [helper.make_tensor_value_info("y", 1, [1])], [added])
    model = helper.make_model(graph)
    change(model)
    return bytes(model.SerializeToString())


def _outside(tensor: Any) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def _other_domain(model: Any) -> None:
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))
    model.graph.node[0].domain = "evil.ops"


def _in_a_branch(model: Any) -> None:
    branch = helper.make_graph([helper.make_node("Run", [], ["z"], domain="evil.ops")], "b", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("then_branch", branch))


def _outside_in_a_constant(model: Any) -> None:
    tensor = helper.make_tensor("c", TensorProto.FLOAT, [1], [1.0])
    _outside(tensor)
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def _function(model: Any) -> None:
    model.functions.append(helper.make_function("evil", "f", ["x"], ["y"], [], [helper.make_opsetid("", 20)]))


XML = '<?xml version="1.0"?><net name="n" version="11"><layers><layer id="0" type="{}" version="{}"/></layers></net>'
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><net>&b;</net>'

HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "TorchScript that reads a file": ("model.ts", _scripted(_Reads()), "runs torch.from_file, which"),
    "as weights": ("model.pt", _scripted(_Reads()), "runs torch.from_file"),
    "an operator of a library": ("model.ts", _rewritten(b"torch.relu", b"ops.evil.run"), "runs ops.evil.run"),
    "torch.load": ("model.ts", _rewritten(b"torch.relu", b"torch.load"), "runs torch.load"),
    "torch.save by way of a part": ("a.ts", _rewritten(b"torch.relu", b"torch.nn.functional.save"), "runs torch.nn"),
    "a function of Python": ("model.ts", _rewritten(b"torch.relu", b"eval"), "runs eval"),
    "an import": ("model.ts", _rewritten(b"class ReLU", b"import os\nclass ReLU"), "runs import"),
    "a library in TorchScript": ("model.ts", _with_member("code/a.so", b"\x7fELF"), "machine code"),
    "a further file in TorchScript": ("model.ts", _with_member("setup.cfg", b"[x]"), "no part of TorchScript"),
    "a pickle in TorchScript": ("model.ts", _with_member("data.pkl2/constants.pkl", b""), "no part"),
    "no zip": ("model.ts", b"\x80\x02cos\nsystem\n.", "loads os.system"),
    "ONNX of another domain": ("model.onnx", _model(_other_domain), "operators of another domain, evil.ops"),
    "ONNX in a branch": ("model.onnx", _model(_in_a_branch), "operators of another domain, evil.ops"),
    "ONNX with numbers outside": (
        "model.onnx", _model(lambda m: _outside(m.graph.initializer[0])), "numbers in another file",
    ),
    "ONNX with a constant outside": ("model.onnx", _model(_outside_in_a_constant), "numbers in another file"),
    "ONNX with functions": ("model.onnx", _model(_function), "a function of its own"),
    "no ONNX": ("model.onnx", b"\x3a\xff\xff\xff\xff\x7f", "no ONNX"),
    "empty ONNX": ("model.onnx", b"", "no ONNX: it has no operator"),
    "an extension of OpenVINO": ("model.xml", XML.format("Run", "extension").encode(), "the layer Run of extension"),
    "entities": ("model.xml", ENTITIES, "XML with definitions of its own"),
    "other XML": ("model.xml", b"<svg/>", "a kind of file that is not on the list"),
    "no XML": ("model.xml", b"\0\1\2", "no XML"),
    "numbers that are a pickle": ("model.bin", pickle.dumps(print, protocol=2), "loads __builtin__.print"),
    "numbers without a network": ("other.bin", b"\0" * 64, "no whole pickle"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_act_is_refused_by_name(name: str, copy: Path) -> None:
    file, content, says = HOSTILE[name]
    (copy / "models" / file).write_bytes(content)
    refused = audit_bundle(copy, is_hashed=False).refused
    assert any(finding.file == f"models/{file}" and says in finding.problem for finding in refused), refused


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 2**20))
def test_any_bytes_are_judged(noise: bytes, place: int) -> None:
    whole = _model(lambda _: None)
    cut = place % len(whole)
    for content in (noise, whole[:cut] + noise + whole[cut:]):
        file = BundleFile("model.onnx", len(content), lambda content=content: io.BytesIO(content))  # type: ignore[misc]
        (finding,) = onnx_found(file)
        assert finding.kind is Kind.ONNX


def test_what_it_lets_pass_is_what_onnx_itself_sees(exported: Path) -> None:
    model = onnx.load(exported / "models/model.onnx")
    (finding,) = [each for each in audit_bundle(exported).findings if each.kind is Kind.ONNX]
    assert set(finding.found.split(", ")) == {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("name", [f"models/model.{suffix}" for suffix in ("ts", "onnx", "xml", "bin")])
def test_an_export_that_was_changed_or_is_gone_is_told(name: str, copy: Path) -> None:
    (copy / name).write_bytes((copy / name).read_bytes() + b"\n")
    assert (name, "changed since it was exported") in [(one.file, one.problem) for one in audit_bundle(copy).refused]
    (copy / name).unlink()
    assert (name, "missing") in [(one.file, one.problem) for one in audit_bundle(copy).refused]


def test_exports_of_other_weights_are_told_and_not_packed(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = json.loads((copy / EXPORTS).read_text())
    (copy / EXPORTS).write_text(json.dumps(content | {"weights_sha256": "0" * 64}))
    (finding,) = audit_bundle(copy).refused
    assert "made of other weights than the bundle's" in finding.problem
    assert run(["bundle", "pack", "--bundle", str(copy), "-o", str(tmp_path / "b.zip")]) == 3
    assert "made of other weights" in capfd.readouterr().err
    assert not (tmp_path / "b.zip").exists()


def test_a_packed_bundle_carries_them(exported: Path, tmp_path: Path) -> None:
    packed = pack_bundle(exported, tmp_path / "b.zip")
    audit = audit_bundle(packed)
    assert audit.refused == ()
    assert {f"models/model.{suffix}" for suffix in ("ts", "onnx", "xml", "bin")} <= audit.sizes.keys()
    assert len(installed()) == 3
