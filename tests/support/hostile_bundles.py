"""Bundles that would act when they are read, loaded or run: each is ours with one change, and leaves a marker file."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

INFERENCE, METADATA, LOGGING = "configs/inference.json", "configs/metadata.json", "configs/logging.conf"
MODEL, CALIBRATION = "models/model.pt", "models/calibration.json"


@dataclass(frozen=True)
class Hostile:
    """One change to a bundle.

    Args:
        change: makes it, given the bundle's folder and the path of the marker.
        file: what the audit must name.
        says: what it must say of it.
        acts: whether scoring with the bundle, trusted, makes the marker: that the attack is one.
    """

    change: Callable[[Path, Path], None]
    file: str
    says: str
    acts: bool = False


def opening(marker: Path) -> str:
    """Return an expression that makes the marker."""
    return f"open({str(marker)!r}, 'w').close()"


def _edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def in_config(
    change: Callable[[dict[str, Any], Path], None], says: str, *, file: str = INFERENCE, acts: bool = False
) -> Hostile:
    """Return a hostile change to a config's content."""
    return Hostile(lambda bundle, marker: _edit(bundle / file, lambda it: change(it, marker)), file, says, acts)


def expression(text: str, says: str, *, acts: bool = False) -> Hostile:
    """Return a hostile expression where the network stands; MARKER in it is what makes the marker."""

    def change(config: dict[str, Any], marker: Path) -> None:
        config["network"] = text.replace("MARKER", opening(marker))

    return in_config(change, says, acts=acts)


def _put(config: dict[str, Any], *keys: str | int, value: object) -> None:
    *way, last = keys
    place: Any = config
    for key in way:
        place = place[key]
    place[last] = value


def _added(name: str, content: str | bytes, says: str) -> Hostile:
    def change(bundle: Path, marker: Path) -> None:
        path = bundle / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content.replace("MARKER", opening(marker)).encode() if isinstance(content, str) else content
        path.write_bytes(text)

    return Hostile(change, name, says)


def _logging(section: str, line: str, says: str) -> Hostile:
    def change(bundle: Path, marker: Path) -> None:
        text = (bundle / LOGGING).read_text()
        name = line.partition("=")[0]
        head, tail = text.split(f"[{section}]\n")
        kept = "\n".join(each for each in tail.splitlines() if not each.startswith(f"{name}="))
        said = line.replace("MARKER", opening(marker))
        (bundle / LOGGING).write_text(f"{head}[{section}]\n{said}\n{kept}\n")

    return Hostile(change, LOGGING, says)


class Call:
    """What opens a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.marker), "w")


def _pickled(make: Callable[[Path], bytes], says: str) -> Hostile:
    def change(bundle: Path, marker: Path) -> None:
        (bundle / MODEL).write_bytes(make(marker))

    return Hostile(change, MODEL, says)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _torch_zip(marker: Path) -> bytes:
    content = io.BytesIO()
    torch.save({"weight": Call(marker)}, content)
    return content.getvalue()


def _legacy(marker: Path) -> bytes:
    content = io.BytesIO()
    torch.save({"weight": Call(marker)}, content, _use_new_zipfile_serialization=False)
    return content.getvalue()


class _Reads(torch.nn.Module):
    """Reads a file when it is run."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file("/etc/passwd", shared=False, size=4, dtype=torch.float32)


def _torchscript(_: Path) -> bytes:
    content = io.BytesIO()
    torch.jit.save(torch.jit.script(_Reads()), content)
    return content.getvalue()


def _tampered(change: Mapping[str, object]) -> Callable[[Path, Path], None]:
    return lambda bundle, _: _edit(bundle / CALIBRATION, lambda content: content.update(change))


def _replace(name: str, old: str, new: str) -> Callable[[Path, Path], None]:
    def change(bundle: Path, marker: Path) -> None:
        text = (bundle / name).read_text()
        assert text.count(old) >= 1
        (bundle / name).write_text(text.replace(old, new.replace("MARKER", opening(marker)), 1))

    return change


def _target(target: object, says: str, *, acts: bool = False, **arguments: object) -> Hostile:
    def change(config: dict[str, Any], marker: Path) -> None:
        given = {key: str(marker) if value == "MARKER" else value for key, value in arguments.items()}
        config["inferer"] = {"_target_": target, **given}

    return in_config(change, says, acts=acts)


def _link(to: Callable[[Path], Path], name: str) -> Callable[[Path, Path], None]:
    return lambda bundle, marker: (bundle / name).symlink_to(to(marker))


def _pipe(name: str) -> Callable[[Path, Path], None]:
    def change(bundle: Path, _: Path) -> None:
        (bundle / name).unlink(missing_ok=True)
        os.mkfifo(bundle / name)

    return change


def _yaml(text: str, says: str) -> Hostile:
    return _added("configs/inference.yaml", text, says)


_DEEP = "[" * 30_000 + "]" * 30_000
_BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 8)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)

HOSTILE: dict[str, Hostile] = {
    # Expressions, in every place that is evaluated.
    "expression": expression("$MARKER", "calls open", acts=True),
    "expression in a nested list": in_config(
        lambda config, marker: _put(config, "network_def", "layers", value=[[["$" + opening(marker)]], 1, 1, 1]),
        "calls open",
        acts=True,
    ),
    "expression in a description": in_config(
        lambda config, marker: _put(config, "network_def", "_desc_", value="$" + opening(marker)),
        "calls open",
        acts=True,
    ),
    "expression in what is required": in_config(
        lambda config, marker: _put(config, "network_def", "_requires_", value="$" + opening(marker)),
        "calls open",
        acts=True,
    ),
    "expression in what is disabled": in_config(
        lambda config, marker: _put(config, "inferer", "_disabled_", value="$" + opening(marker)),
        "calls open",
        acts=True,
    ),
    "expression spelt by escapes": Hostile(
        _replace(INFERENCE, '"$@network_def.to(@device)"', '"\\u0024MARKER"'), INFERENCE, "calls open", acts=True
    ),
    "expression by a key of an overlay": in_config(
        lambda config, marker: config.update({"network_def#n_input_channels": "$" + opening(marker)}),
        "calls open",
        acts=True,
    ),
    "expression by a key that adds": in_config(
        lambda config, marker: config.update({"+network_def": {"num_classes": "$" + opening(marker)}}),
        "calls open",
        acts=True,
    ),
    "expression in train.json": in_config(
        lambda config, marker: config.update(network="$" + opening(marker)), "calls open", file="configs/train.json"
    ),
    "expression in evaluate.json": in_config(
        lambda config, marker: config.update(network="$" + opening(marker)), "calls open", file="configs/evaluate.json"
    ),
    "expression in the metadata": in_config(
        lambda config, marker: config.update(name="$" + opening(marker)), "calls open", file=METADATA
    ),
    "expression in JSON beside the configs": _added("docs/more.json", '{"a": ["$MARKER"]}', "calls open"),
    "classes of Python climbed": expression("$(1).__class__.__base__.__subclasses__()", ".__subclasses__"),
    "builtins": expression("$__builtins__['open']('x')", "calls a Subscript"),
    "import by its function": expression("$__import__('os').getcwd()", "calls .getcwd"),
    "module under a loop's name": expression("$[os for os in [torch]][0].hub", ".hub"),
    "assignment inside": expression("$(len := @device).to(1)", "a NamedExpr"),
    "lambda that hides a module": expression("$(lambda torch=@device: torch.load('x'))()", "calls a Lambda"),
    "format of a text": expression("$'{0.__class__}'.format(@device)", "calls .format"),
    "f-string": expression('$f"{@device.__class__}"', "a JoinedStr"),
    "torch.load": expression("$torch.load(@bundle_root + '/models/model.pt', weights_only=False)", "calls torch.load"),
    "torch.hub": expression("$torch.hub.load('a/b', 'c')", "calls torch.hub.load"),
    "environment": expression("$os.environ['HOME']", "reads os.environ['HOME']"),
    "references by MONAI's own name": expression("$__local_refs['imports'][0].system('x')", "MONAI's own name"),
    "references by a letter that Python reads as s": expression("$__local_ref\u017f['x']", "letters beyond ASCII"),
    "whole config": expression("$@['imports'][0].remove('x')", "a reference to a module"),
    "module by its place in the imports": in_config(
        lambda config, _: config.update(imports=["$import os"], network="$@imports#0.replace('a', 'b')"),
        "a reference to a module",
    ),
    "relative reference that becomes code": in_config(
        lambda config, _: config.update({"a'], open('x'), ['": {"b": "$@##network_def"}}), "a relative reference"
    ),
    # Imports.
    "import": in_config(lambda config, _: config.update(imports=["$import antigravity"]), "antigravity is not"),
    "import of the bundle's scripts": in_config(
        lambda config, _: config.update(imports=["$import scripts.run"]), "scripts.run is not"
    ),
    "import by another name": in_config(
        lambda config, _: config.update(imports=["$import os as torch"]), "os as torch is not"
    ),
    "import from": in_config(
        lambda config, _: config.update(imports=["$from os import system as len"]), "more than one plain import"
    ),
    "import in the metadata": in_config(
        lambda config, _: config.update(intended_use="$import this"), "an import outside", file=METADATA
    ),
    # Targets.
    "target": _target("os.mkdir", "not on the list", acts=True, path="MARKER"),
    "target of ours that opens bundles": _target("nodulus.pipeline.Scorer", "not on the list", trust=True),
    "target in the bundle's scripts": _target("scripts.infer.Inferer", "not on the list"),
    "target in letters that look alike": _target("monai.inferers.Simple\u0406nferer", "not on the list"),
    "target in wide letters": _target("\uff33impleInferer", "not on the list"),
    "target by reference": in_config(
        lambda config, marker: config.update(
            {"spelt": "os.mkdir", "inferer": {"_target_": "@spelt", "path": str(marker)}}
        ),
        "not on the list",
        acts=True,
    ),
    "target by macro": in_config(
        lambda config, marker: config.update(
            {"spelt": "os.mkdir", "inferer": {"_target_": "%spelt", "path": str(marker)}}
        ),
        "not on the list",
        acts=True,
    ),
    "target by a key of an overlay": in_config(
        lambda config, marker: config.update({"inferer#_target_": "os.mkdir", "inferer#path": str(marker)}),
        "not on the list",
        acts=True,
    ),
    "target that is no text": _target({"_target_": "builtins.open", "file": "x"}, "not on the list"),
    "debugger": _target("SimpleInferer", "starts a debugger", _mode_="debug"),
    "debugger by its other name": _target("SimpleInferer", "starts a debugger", _debug_=True),
    "reader by name": _target("LoadImaged", "is imported by its name", keys="image", reader="subprocess.Popen"),
    "compiler": _target("SupervisedEvaluator", "name the compiler", compile_kwargs={"options": {"cpp.cxx": "x"}}),
    "weights written elsewhere": _target("nodulus.pipeline.KeepBest", "writes elsewhere", network=1, path="/etc/x"),
    "results written elsewhere": in_config(
        lambda config, _: config.update(output_dir="/etc"), "writes elsewhere than in the output folder"
    ),
    # Other files by macro; files that are no plain JSON.
    "macro to another file": in_config(
        lambda config, _: config.update(network="%/tmp/other.json#network"), "copies what stands elsewhere"
    ),
    "key that stands twice": Hostile(
        _replace(INFERENCE, '"inferer": {', '"inferer": {"_target_": "builtins.open"}, "inferer": {'),
        INFERENCE,
        "the key 'inferer' twice",
    ),
    "JSON nested deep": _added("configs/deep.json", _DEEP, "cannot be read"),
    "JSON nested less deep": _added("configs/deep.json", "[" * 90 + "]" * 90, "nested more than"),
    "YAML expression": _yaml("network: $MARKER\n", "calls open"),
    "YAML target": _yaml("a: [{_target_: builtins.open, file: x}]\n", "not on the list"),
    "YAML tag that calls": _yaml("a: !!python/object/apply:os.system ['x']\n", "a tag"),
    "YAML tag that makes an object": _yaml("a: !!python/object:os.Popen {}\n", "a tag"),
    "YAML merge": _yaml("a: &b {_target_: os.getcwd}\nc: {<<: *b}\n", "not on the list"),
    "YAML aliases that multiply": _yaml(_BOMB, "more than 200000 values"),
    # Logging.
    "logging class": _logging("handler_console", "class=MARKER", "not on the list"),
    "logging class that writes": _logging("handler_console", "class=FileHandler", "not on the list"),
    "logging arguments": _logging("handler_console", "args=(MARKER,)", "evaluated as Python"),
    "logging by interpolation": _logging("handler_console", "args=%(level)s", "evaluated as Python"),
    "logging defaults": _logging("formatter_line", "defaults=MARKER", "an option that is not on the list"),
    # Weights.
    "pickle": _pickled(lambda marker: pickle.dumps({"a": Call(marker)}, protocol=2), "loads io.open"),
    "pickle of protocol 0": _pickled(lambda marker: pickle.dumps({"a": Call(marker)}, protocol=0), "loads"),
    "pickle of protocol 4": _pickled(lambda marker: pickle.dumps({"a": Call(marker)}, protocol=4), "loads"),
    "pickle that ends early": _pickled(lambda marker: pickle.dumps({"a": Call(marker)}, protocol=2)[:-1], "loads"),
    "pickle in torch's zip": _pickled(_torch_zip, "loads io.open"),
    "pickle in torch's older form": _pickled(_legacy, "loads io.open"),
    "TorchScript": _pickled(_torchscript, "runs torch.from_file, which is not on the list"),
    "pickle by another name": Hostile(
        lambda bundle, marker: _write(bundle / "docs" / "notes.txt", pickle.dumps(Call(marker), protocol=2)),
        "docs/notes.txt",
        "loads io.open",
    ),
    # Code.
    "scripts": _added("scripts/run.py", "MARKER", "Python of the bundle's own"),
    "package that hides MONAI": _added("monai/__init__.py", "MARKER", "Python of the bundle's own"),
    "module that hides numpy": _added("numpy.py", "MARKER", "Python of the bundle's own"),
    "sitecustomize": _added("sitecustomize.py", "MARKER", "Python of the bundle's own"),
    "compiled Python": _added("scripts/run.pyc", b"\xa7\r\r\n" + bytes(12), "a program"),
    "other code as ours": _added("nodulus/__init__.py", "MARKER", "not as in this installation"),
    "machine code": _added("scipy.so", b"\x7fELF\x02\x01\x01", "machine code"),
    "machine code as text": _added("docs/notes.txt", b"\x7fELF\x02\x01\x01", "machine code"),
    "shell script": _added("docs/setup", "#!/bin/sh\n", "a program"),
    "archive inside": _added("docs/more.tgz", b"\x1f\x8b\x08\x00", "an archive inside"),
    "unknown kind": _added("models/model.xyz", b"abc", "a kind of file that is not on the list"),
    # Places.
    "link out of the bundle": Hostile(
        _link(lambda marker: marker.parent / "elsewhere", "docs/more.md"), "docs/more.md", "leads out of the bundle"
    ),
    "link to a folder": Hostile(_link(lambda _: Path("configs"), "docs2"), "docs2", "a link to a folder"),
    "pipe": Hostile(_pipe("docs/pipe.md"), "docs/pipe.md", "no regular file"),
    "pipe where a config stands": Hostile(_pipe("configs/evaluate.json"), "configs/evaluate.json", "no regular file"),
    "names alike": _added("configs/Inference.json", "{}", "stands twice"),
    "name with an escape": _added("docs/a\x1b[31m.md", "x", "more than plain letters"),
    # What is printed, and what scores mean.
    "metadata that act in a terminal": in_config(
        lambda config, _: config.update(authors="\x1b]0;title\x07"), "holds control characters", file=METADATA
    ),
    "calibration of other weights": Hostile(
        _tampered({"weights_sha256": "0" * 64}), CALIBRATION, "fitted to other weights"
    ),
    "calibration that is none": Hostile(_tampered({"network": {"slope": "x"}}), CALIBRATION, "malformed"),
}


def _zipped(bundle: Path, path: Path, *extra: tuple[zipfile.ZipInfo | str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(bundle.rglob("*")):
            if file.is_file():
                archive.write(file, f"{bundle.name}/{file.relative_to(bundle).as_posix()}")
        for name, content in extra:
            archive.writestr(name, content)


def _linked(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o120777 << 16
    return member


# Of a zip: a member that is added, the name that the audit must tell, and what it must say.
HOSTILE_MEMBERS: dict[str, tuple[zipfile.ZipInfo | str, bytes, str, str]] = {
    "name that leads out": ("lung/../../evil.md", b"x", "lung/../../evil.md", "leads out"),
    "name from the root": ("/etc/evil.md", b"x", "/etc/evil.md", "leads out"),
    "name of a drive": ("C:/evil.md", b"x", "C:/evil.md", "leads out"),
    "backslash": ("lung\\..\\evil.md", b"x", "lung\\..\\evil.md", "leads out"),
    "link": (_linked("lung/link.md"), b"/etc/passwd", "lung/link.md", "a link"),
    "archive inside": ("lung/more.md", b"PK\x03\x04" + bytes(40), "lung/more.md", ""),
    "bomb": ("lung/zeros.md", bytes(100 << 20), "", "much more than was packed"),
}


def zip_with(bundle: Path, path: Path, name: zipfile.ZipInfo | str, content: bytes) -> Path:
    """Write a bundle as a zip with one member more, and return its path."""
    _zipped(bundle, path, (name, content))
    return path
