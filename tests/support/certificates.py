"""Certificates that a test makes and throws away."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.dicom_validators import needed_tool


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Return a certificate of localhost that signs itself, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    openssl = needed_tool("openssl", "openssl")
    command = [openssl, *words, *subject, "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
