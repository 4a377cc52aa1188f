"""Options of `nodulus listen`, and the settings that they make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nodulus.transforms.problems import UsageError

SpoolFolder = Annotated[
    Path, typer.Argument(metavar="SPOOL", help="Folder that keeps what arrives until it is answered.", file_okay=False)
]
ListenTo = Annotated[
    str, typer.Option("--to", metavar="ARCHIVE", help="Where answers go: TITLE@HOST:PORT, or a DICOMweb address.")
]
Host = Annotated[str, typer.Option("--host", help="Address to listen at; others than loopback are heard elsewhere.")]
Port = Annotated[int, typer.Option("--port", help="Port to listen at.", min=0, max=65535)]
OwnTitle = Annotated[str, typer.Option("--ae-title", help="What the listener is called.")]
CallerTitles = Annotated[
    str, typer.Option("--callers", help="Comma-separated AE titles that may send. [all]", show_default=False)
]
Certificate = Annotated[
    Path | None, typer.Option("--tls-cert", help="Certificate chain (PEM): TLS is spoken, and nothing else.")
]
CertificateKey = Annotated[Path | None, typer.Option("--tls-key", help="The certificate's key (PEM).")]
CertificateAuthority = Annotated[
    Path | None, typer.Option("--tls-ca", help="Certificates (PEM) that those of senders must be signed by.")
]
SettleSeconds = Annotated[
    float, typer.Option("--settle", help="Seconds without a new object after which a study may be complete.", min=0)
]
PatienceSeconds = Annotated[
    float, typer.Option("--patience", help="Seconds that announced images which do not come are waited for.", min=0)
]
KeepDays = Annotated[float, typer.Option("--keep-days", help="Days after which a study is removed.", min=0)]
SpoolGigabytes = Annotated[float, typer.Option("--max-gb", help="GB that the spool takes at most.", min=0)]
FreeGigabytes = Annotated[float, typer.Option("--min-free-gb", help="GB that its disk keeps free.", min=0)]
MaxStudies = Annotated[int, typer.Option("--max-studies", help="Studies without an answer; more are refused.", min=1)]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", help="Loopback port of /metrics (Prometheus) and /health.", min=0, max=65535),
]


def titles_of(text: str) -> tuple[str, ...]:
    """Return the AE titles of a comma-separated text.

    Raises:
        UsageError: one of them is none (PS3.5 6.2: at most 16 letters).
    """
    titles = tuple(title.strip() for title in text.split(",") if title.strip())
    for title in titles:
        check_title(title)
    return titles


def check_title(title: str) -> None:
    """Raise UsageError unless a text is an AE title."""
    is_plain = title.isascii() and title.isprintable() and "\\" not in title and title.strip()
    if not is_plain or len(title) > 16:
        raise UsageError(f"Expected an AE title of 1 to 16 letters, got '{title}'")
