"""The policy of a page that is whole in itself: what it holds is shown and run, nothing else, from nowhere else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence


def content_policy(style: str, scripts: Sequence[str] = ()) -> str:
    """Return a Content-Security-Policy that admits one style, some scripts and pictures in the page, and no request.

    Args:
        style: what stands between the style's tags, to the letter; styles on elements do not count.
        scripts: what stands between each script's.
    """
    admitted = " ".join(map(_hash, scripts)) or "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {admitted};"
        " base-uri 'none'; form-action 'none'"
    )


def data_uri(content: bytes, kind: str) -> str:
    """Return a file as an address that holds it.

    >>> data_uri(b"abc", "image/webp")
    'data:image/webp;base64,YWJj'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
