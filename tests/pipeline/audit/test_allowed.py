"""What the allow-list lets pass: our own bundles of every version, honest configs and honest weights."""

from __future__ import annotations

import inspect
import io
import re
import shutil
from collections import OrderedDict
from pathlib import Path
from pydoc import locate

import pytest
import torch
from monai.bundle import ComponentLocator

import nodulus.pipeline
import nodulus.transforms
from nodulus.pipeline.audit.allowed_names import CONSTANTS, FUNCTIONS, IMPORTS, TARGETS
from nodulus.pipeline.audit.audit import audit_bundle
from nodulus.pipeline.audit.config_items import items_found
from nodulus.pipeline.audit.expressions import problem_of_expression
from nodulus.pipeline.audit.finding import Kind

FORMER_CONFIGS = sorted((Path(__file__).resolve().parents[2] / "support" / "bundle_configs").iterdir())


def test_our_bundle_passes_and_every_expression_import_and_target_is_told(bundle: Path) -> None:
    audit = audit_bundle(bundle)
    assert audit.refused == ()
    told = [(finding.file, finding.found) for finding in audit.findings]
    for path in (bundle / "configs").glob("*.json"):
        text = path.read_text()
        acting = re.findall(r'"(\$.+?)"|"_target_": "(.+?)"', text)
        name = f"configs/{path.name}"
        assert sorted(found for file, found in told if file == name) == sorted(a or b for a, b in acting)
    weights = next(finding for finding in audit.findings if finding.kind is Kind.CHECKPOINT)
    assert "torch._utils._rebuild_tensor_v2" in weights.found
    assert audit.sha256.keys() == {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}


@pytest.mark.parametrize("configs", FORMER_CONFIGS, ids=lambda path: path.name)
def test_the_configs_of_every_version_of_our_bundle_pass(configs: Path, bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    for path in configs.iterdir():
        shutil.copy(path, copy / "configs" / path.name)
    assert audit_bundle(copy).refused == ()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_target_is_a_class_or_a_function_of_the_package_that_it_names(name: str) -> None:
    """A name that MONAI does not find would be imported, from wherever Python looks."""
    place = name if "." in name else ComponentLocator().get_component_module_name(name)
    full = f"{place}.{name}" if isinstance(place, str) and "." not in name else name
    assert place is not None
    found = locate(full) if isinstance(place, str) else locate(f"{place[0]}.{name}")
    assert inspect.isclass(found) or inspect.isfunction(found)


@pytest.mark.parametrize("name", sorted(FUNCTIONS | CONSTANTS | set(IMPORTS.values())))
def test_every_other_name_is_there(name: str) -> None:
    assert locate(name) is not None


def test_nothing_of_ours_that_opens_a_bundle_is_on_the_list() -> None:
    ours = {*nodulus.pipeline.__all__, *nodulus.transforms.__all__}
    assert {name.rpartition(".")[2] for name in TARGETS if name.startswith("nodulus.")} <= ours
    assert not {"nodulus.pipeline.Detector", "nodulus.pipeline.Scorer"} & TARGETS


@pytest.mark.parametrize(
    "expression",
    [
        "'nccl' if @device.type == 'cuda' else 'gloo'",
        "not (@tensorboard and os.environ['RANK'] == '0')",
        "@train#handlers#0.ema_model",
        "[{'image': i, 'label': l} for i, l in zip(@images, @labels)]",
        "sorted(glob.glob(os.path.join(@dataset_dir, '*.nii.gz')))",
        "lambda batch: [item['image'] for item in batch]",
        "@a if @b > 2 * 3 else -1.5",
        "{'network': @network, 'lr': float(@lr)}",
        "dist.get_rank() if dist.is_initialized() else 0",
        "@network_def.to(device=@device, memory_format=torch.channels_last_3d)",
        "math.pi / 2",
        "@evaluator.run()",
        "@images[: @n]",
        "monai.networks.nets.resnet.resnet50(spatial_dims=3,n_input_channels=1,conv1_t_stride=[2,2,1])",
        "@detector.set_target_keys(box_key='box', label_key='label')",
    ],
)
def test_honest_expressions_pass(expression: str) -> None:
    assert problem_of_expression(expression) == ""


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("os.system('x')", "calls os.system"),
        ("os.path", "os.path"),
        ("monai.networks.nets.resnet.resnet50(True)", "with pretrained, or without naming an argument"),
        ("monai.networks.nets.resnet.resnet18(spatial_dims=3, pretrained='a.pt')", "with pretrained"),
        ("monai.networks.nets.resnet.resnet101(spatial_dims=3)", "calls monai.networks.nets.resnet.resnet101"),
        ("torch", "the name torch"),
        ("@network.load_state_dict(torch.load(@weights))", "calls .load_state_dict"),
        ("@network.__class__", ".__class__"),
        ("@device.type.__init__", ".__init__"),
        ("getattr(@network, 'x')", "calls getattr"),
        ("eval('1')", "calls eval"),
        ("print(1)", "calls print"),
        ("dist.init_process_group('gloo', init_method='tcp://a')", "calls dist.init_process_group"),
        ("max(*@values)", "a Starred"),
        ("dict(**@values)", "unpacked arguments"),
        ("[x for x.device in @values]", "a loop over more than plain names"),
        ("[0 for len in [1]]", "the name len for something else"),
        ("(lambda x=1: x)", "a lambda with more than plain arguments"),
        ("2 ** 9 ** 9", "a Pow"),
        ("'%9999999d' % 1", "a Mod"),
        ("(yield)", "a Yield"),
        ("await @x", "a Await"),
        ("1; 2", "no Python expression"),
        ("@a +", "no Python expression"),
        ("-" * 1900 + "1", ""),
        ("@" + "a" * 3000, "3001 letters"),
        ("x" + ".device" * 250, ""),
        ("os.environ[@name]", "reads os.environ"),
    ],
)
def test_other_expressions_do_not(expression: str, says: str) -> None:
    problem = problem_of_expression(expression)
    assert problem
    assert says in problem


def weights() -> dict[str, object]:
    network = torch.nn.Sequential(torch.nn.Conv3d(1, 2, 3), torch.nn.BatchNorm3d(2))
    return {
        "state": network.state_dict(),
        "parameters": OrderedDict(network.named_parameters()),
        "half": torch.zeros(2, dtype=torch.float16),
        "brain": torch.zeros(2, dtype=torch.bfloat16),
        "dtype": torch.int64,
        "shape": torch.Size([1, 2]),
        "optimizer": torch.optim.AdamW(network.parameters()).state_dict(),
        "epoch": 2**40,
        "names": ["a", ("b", None, True, 1.5)],
    }


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "older form"])
def test_plain_weights_pass_in_both_of_torchs_forms(is_zip: bool, tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "model.pt", _use_new_zipfile_serialization=is_zip)
    torch.load(tmp_path / "model.pt", weights_only=True)
    findings = audit_bundle(tmp_path).findings
    assert [finding.problem for finding in findings if finding.problem] == []
    assert any("_rebuild_tensor_v2" in finding.found for finding in findings)


@pytest.mark.parametrize("value", [torch.nn.Linear(1, 1), Path("x"), {"a": io.BytesIO()}], ids=["module", "path", "io"])
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "older form"])
def test_what_torch_itself_does_not_take_for_weights_is_refused(value: object, is_zip: bool, tmp_path: Path) -> None:
    torch.save(value, tmp_path / "model.pt", _use_new_zipfile_serialization=is_zip)
    (finding,) = audit_bundle(tmp_path).refused
    assert "loads" in finding.problem


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"train#handlers#3#path": "$os.path.join(@output_dir, 'log.txt')"}, []),
        ({"train#handlers#3#path": "@anything"}, ["train#handlers#3#path"]),
        ({"output_dir": "runs"}, []),
        ({"output_dir": "../runs"}, ["output_dir"]),
        ({"+imports": ["$import math"]}, []),
        ({"a": {"_target_": "Dataset", "_mode_": "callable", "data": "@b"}}, []),
        ({"a": {"_target_": "LoadImaged", "reader": "ITKReader"}}, []),
        ({"a": {"_target_": "LoadImaged", "reader": ["ITKReader"]}}, ["a#reader"]),
        ({"a": {"_target_": "Compose", "map_items": True, "compile": False}}, []),
        ({"mail": "a@b.c", "price": "5 $", "share": "5 %"}, []),
        ({1: {None: "$open('x')"}}, ["1#None"]),
    ],
)
def test_what_stands_at_a_key_is_judged_by_what_the_key_means(config: object, refused: list[str]) -> None:
    found = list(items_found(config, "configs/a.json"))
    assert [finding.key for finding in found if not finding.is_allowed] == refused
