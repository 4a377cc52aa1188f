"""What OpenVINO's two files would run: the layers of its XML; the numbers beside it run nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from .finding import Finding, Kind
from .places import BundleFile

_MOST_BYTES = 64 * 2**20
_OPSET = re.compile(r"opset\d+")
NUMBERS = ".bin"


def network_found(file: BundleFile) -> Iterator[Finding]:
    """Yield the layers of OpenVINO's XML, or why a file of that name is refused."""
    content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        yield Finding(file.name, "", Kind.OPENVINO, "", f"more than {_MOST_BYTES} bytes")
        return
    if b"<!" in content.replace(b"<!--", b""):  # a document type may define what multiplies, or lies elsewhere
        yield Finding(file.name, "", Kind.OPENVINO, "", "XML with definitions of its own")
        return
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        yield Finding(file.name, "", Kind.OPENVINO, "", f"no XML: {error}")
        return
    if root.tag != "net":
        yield Finding(file.name, "", Kind.FILE, "", "a kind of file that is not on the list")
        return
    layers = list(root.iter("layer"))
    other = next((layer for layer in layers if not _OPSET.fullmatch(layer.get("version", ""))), None)
    problem = "" if other is None else f"the layer {other.get('type')} of {other.get('version') or 'no'} opset"
    types = sorted({layer.get("type", "") for layer in layers})
    yield Finding(file.name, "", Kind.OPENVINO, ", ".join(types), problem or ("" if layers else "no layers"))
