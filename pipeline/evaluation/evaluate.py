"""Evaluates a bundle on a data list, by the bundle's own evaluate.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nodulus.pipeline.bundle.device import Device, find_device
from nodulus.pipeline.bundle.run import Tell, run_evaluator, tell_nobody
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataListFile, Split
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.files import check_output_dir
from nodulus.pipeline.readout.prior_shift import check_prevalence
from nodulus.transforms.problems import UsageError


def evaluate_bundle(
    data_list: Path,
    output_dir: Path,
    bundle_dir: Path,
    *,
    split: Split = "validation",
    allow_overlap: bool = False,
    diagnosis: Path | None = None,
    prevalence: float | None = None,
    device: Device = "auto",
    tell: Tell = tell_nobody,
    trust: bool = False,
    **overrides: Any,  # noqa: ANN401 - config values
) -> Path:
    """Evaluate as ``configs/evaluate.json`` says and return the path of metrics.json.

    Args:
        data_list: JSON list of nodules.
        output_dir: receives ``metrics.json``, ``nodules.csv`` and ``report.html``.
        bundle_dir: the bundle.
        split: which part of the list.
        allow_overlap: admit patients that the weights were trained on; the report says so.
        diagnosis: CSV of ``patient_id,diagnosis``, for the check against pathology.
        prevalence: another share of malignant nodules to tell the decision curve for.
        device: where the network runs; "auto" leaves it to the config.
        tell: is told how far the evaluation is.
        trust: do without the bundle's audit.
        **overrides: values of the config to replace, by id: ``weights``, ``calibration``, ``batch_size``...

    Raises:
        UsageError: the list is bad, the split lacks a class, an image is missing, the weights were trained on some of
            the patients, the device is not there, or the folder cannot be written.
        InputRefusedError: the audit refuses a part of the bundle (``untrusted_bundle``), a scan is refused, a nodule
            lies outside its image, or the calibration does not belong to the weights.
    """
    listed = DataListFile.read(data_list)
    load_data_list(listed, split, both_classes=True)
    if diagnosis is not None and not Path(diagnosis).is_file():
        raise UsageError(f"Expected a table of diagnoses, found no file {diagnosis}")
    check_output_dir(Path(output_dir))
    options: dict[str, Any] = {"split": split, "allow_overlap": allow_overlap}
    options |= {} if diagnosis is None else {"diagnosis": str(diagnosis)}
    options |= {} if device == "auto" else {"device": f"$torch.device('{find_device(device)}')"}
    workflow = make_workflow(bundle_dir, "evaluate", listed, output_dir, trust=trust, **options | overrides)
    # Before the run, so that what it refuses reaches the user as it is and not inside the engine's error.
    tell("checking weights, patients and images", 0, 0)
    report = workflow.parser.get_parsed_content("report")
    # Not by the config: one of an earlier bundle does not know it, and would pass over it without a word.
    report.prevalence = check_prevalence(prevalence) or report.prevalence
    report.check()
    run_evaluator(workflow, "scoring", tell, then="measuring and drawing")
    return Path(output_dir) / "metrics.json"
