"""`nodulus listen`: take studies from the network, score the nodules marked in them, and send the answers on."""

from __future__ import annotations

import logging
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING

from nodulus.pipeline.exit_codes import ExitCode
from nodulus.transforms.problems import UsageError

from .listen_options import (
    CallerTitles,
    Certificate,
    CertificateAuthority,
    CertificateKey,
    FreeGigabytes,
    Host,
    KeepDays,
    ListenTo,
    MaxStudies,
    MetricsPort,
    OwnTitle,
    PatienceSeconds,
    Port,
    SettleSeconds,
    SpoolFolder,
    SpoolGigabytes,
    check_title,
    titles_of,
)
from .log_errors import prepare_worker
from .options import Allow, BundleDir, DetectorDir, DetectorMemory, DeviceOption, MinScore, Trust

if TYPE_CHECKING:
    from nodulus.pipeline.listener.events import Events
    from nodulus.pipeline.listener.listener import Listener

EXAMPLES = """
Examples:

  nodulus listen spool --to ORTHANC@127.0.0.1:4242

  nodulus listen spool --to http://127.0.0.1:8042/dicom-web --host 0.0.0.0 --callers CT1,PACS

  nodulus listen spool --to ORTHANC@127.0.0.1:4242 --detector lung_nodule_ct_detection
"""
_LOOKS_EVERY_S = 0.1


def listen(
    spool: SpoolFolder,
    to: ListenTo,
    host: Host = "127.0.0.1",
    port: Port = 11112,
    ae_title: OwnTitle = "NODULUS",
    callers: CallerTitles = "",
    tls_cert: Certificate = None,
    tls_key: CertificateKey = None,
    tls_ca: CertificateAuthority = None,
    settle: SettleSeconds = 10.0,
    patience: PatienceSeconds = 300.0,
    keep_days: KeepDays = 3.0,
    max_gb: SpoolGigabytes = 50.0,
    min_free_gb: FreeGigabytes = 1.0,
    max_studies: MaxStudies = 1000,
    metrics_port: MetricsPort = None,
    bundle: BundleDir = None,
    device: DeviceOption = "auto",
    allow: Allow = "",
    trust: Trust = False,
    detector: DetectorDir = None,
    min_score: MinScore = None,
    memory: DetectorMemory = None,
) -> int:
    """Take studies from the network, score the nodules marked in them, and send the answers to an archive."""
    try:
        from nodulus.pipeline.listener.listener import Listener
        from nodulus.pipeline.listener.target import read_target
    except ModuleNotFoundError as missing:
        msg = f"Expected what speaks DICOM's protocol, got no {missing.name}: pip install 'nodulus[dicom-net]'"
        raise UsageError(msg) from missing
    from nodulus.pipeline.listener.events import Events
    from nodulus.pipeline.listener.make_answerer import AskedDetector, make_answerer
    from nodulus.pipeline.listener.scoring_process import ScoringProcess
    from nodulus.pipeline.listener.settings import Door, Limits, Patience, Settings

    check_title(ae_title)
    if tls_cert is None and (tls_key or tls_ca):
        raise UsageError("Expected --tls-cert beside --tls-key and --tls-ca, got none")
    if detector is None and (min_score is not None or memory is not None):
        raise UsageError("Expected --detector BUNDLE beside --min-score and --memory, got none")
    finder = None if detector is None else AskedDetector(detector, min_score, memory)
    settings = Settings(
        spool,
        Door(host, port, ae_title, titles_of(callers), tls_cert, tls_key, tls_ca),
        Limits(round(max_gb * 1e9), round(min_free_gb * 1e9), waiting_studies=max_studies),
        Patience(settle, patience, keep_days * 86_400),
    )
    _keep_names_out_of_the_log()
    make = partial(make_answerer, bundle, spool, device=device, allow=allow, trust=trust, detector=finder)
    events = Events()
    listener = Listener(settings, ScoringProcess(make, prepare_worker), read_target(to, ae_title), events)
    return _run(listener, events, metrics_port)


listen.__doc__ = f"{listen.__doc__}\n{EXAMPLES}"


def _run(listener: Listener, events: Events, metrics_port: int | None) -> ExitCode:
    """Listen until Ctrl-C or SIGTERM, which is how a listener ends, or until something is not at work any more."""
    from contextlib import ExitStack

    from nodulus.pipeline.listener.status_page import status_page

    with ExitStack() as at_end:
        at_end.callback(listener.stop)
        try:
            if metrics_port is not None:
                page = status_page(metrics_port, events, listener.gauges, listener.is_well)
                events.note("status", port=at_end.enter_context(page))
            listener.start()
            while listener.is_well():
                time.sleep(_LOOKS_EVERY_S)
        except KeyboardInterrupt:
            return ExitCode.OK
    return ExitCode.INTERNAL_ERROR


def _keep_names_out_of_the_log() -> None:
    """Let libraries say nothing of the values that they read: the log is the listener's events alone."""
    warnings.simplefilter("ignore")
    for name in ("pydicom", "pynetdicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
