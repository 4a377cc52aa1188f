"""`nodulus infer`: score the nodules of one scan, or of a table of many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import typer

from nodulus.transforms.problems import UsageError

from .asked_cases import asked_cases
from .dicom_files import asked_writers, read_earlier_report
from .ending import exit_code, run_page_of
from .found_nodules import asked_detector
from .infer_options import (
    AsJson,
    DiameterMm,
    Digests,
    Explain,
    Fhir,
    Input,
    KeyImages,
    Measures,
    Point,
    Report,
    Resume,
    Revises,
    ShardOption,
    Stability,
    StructuredReport,
    WithIdentifiers,
)
from .options import (
    Allow,
    BundleDir,
    CaseName,
    DetectorBf16,
    DetectorDir,
    DetectorMemory,
    DeviceOption,
    EngineOption,
    FrameOption,
    Jobs,
    MaxNodules,
    MinScore,
    NoduleFile,
    OtherCalibration,
    OutputDir,
    PartsOption,
    PatientOption,
    Prevalence,
    Quiet,
    RayAddress,
    SeriesUid,
    Trust,
    read_options,
)
from .score_all import in_this_process, score_all

if TYPE_CHECKING:
    from nodulus.pipeline.results.manifest import OptionValue
    from nodulus.pipeline.scoring.open_case import ReadOptions

    from .score_all import ScoreAll

EXAMPLES = """
Examples:

  nodulus infer SCAN_FOLDER --nodules nodules.csv -o out

  nodulus infer scan.nii.gz --point 56.2,86.3,-115.9 --diameter 23.4 -o out

  nodulus infer SCAN_FOLDER --nodules nodules.csv --stability -o out

  nodulus infer SCAN_FOLDER --detector lung_nodule_ct_detection -o out

  nodulus infer cases.csv -o out

  nodulus infer cases.csv -o out --resume

  nodulus infer cases.csv -o out --jobs 4

  nodulus infer cases.csv -o out/2 --shard 2/4

  nodulus infer cases.csv -o out --ray local

  nodulus infer SCAN_FOLDER --nodules nodules.csv -o out --report --explain

  nodulus infer SCAN_FOLDER --nodules nodules.csv -o out --sr --key-images --fhir
"""


def infer(
    input_path: Input,
    output: OutputDir,
    nodules: NoduleFile = None,
    point: Point = None,
    diameter: DiameterMm = None,
    frame: FrameOption = None,
    bundle: BundleDir = None,
    device: DeviceOption = "auto",
    engine: EngineOption = None,
    allow: Allow = "",
    series: SeriesUid = None,
    min_score: MinScore = None,
    case: CaseName = None,
    detector: DetectorDir = None,
    max_nodules: MaxNodules = None,
    memory: DetectorMemory = None,
    bf16: DetectorBf16 = False,
    trust: Trust = False,
    prevalence: Prevalence = None,
    calibration: OtherCalibration = None,
    patient: PatientOption = None,
    explain: Explain = False,
    resume: Resume = False,
    digests: Digests = None,
    report: Report = False,
    with_identifiers: WithIdentifiers = False,
    sr: StructuredReport = False,
    key_images: KeyImages = False,
    fhir: Fhir = False,
    revises: Revises = None,
    stability: Stability = False,
    measures: Measures = None,
    jobs: Jobs = None,
    ray: RayAddress = None,
    parts: PartsOption = None,
    shard: ShardOption = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Score the nodules of a scan: benign or malignant."""
    how = read_options(allow, series, frame, min_score, case, patient)
    wanted = {"report": report, "sr": sr, "key-images": key_images, "fhir": fhir}
    asked = [option for option, is_asked in wanted.items() if is_asked]  # options of writers.which
    if with_identifiers and not (report or fhir):
        msg = "Expected --report or --fhir beside --with-identifiers: no other file asks who the patient is"
        raise UsageError(msg)
    earlier = read_earlier_report(revises, asked)
    from nodulus.pipeline.results.part_files import check_part_format, write_parts
    from nodulus.pipeline.results.stages import Stages
    from nodulus.pipeline.scoring.journal import FILES, JOURNAL, Journal
    from nodulus.pipeline.scoring.output_folder import OutputFolder
    from nodulus.pipeline.scoring.shard import SHARD, cases_of, read_shard
    from nodulus.pipeline.writers.which import CASE_FILES

    check_part_format(parts)
    with OutputFolder(output, FILES, keep=(JOURNAL, *CASE_FILES) if resume else ()) as folder:
        stages = Stages()
        with stages.time("open"):
            finder = asked_detector(detector, min_score, max_nodules, memory, bf16, device, trust=trust, quiet=quiet)
            cases = asked_cases(input_path, nodules, point, diameter, how, finder)
        part, to_score = cases_of(read_shard(shard) if shard else None, cases)
        writers = asked_writers(asked, cases, earlier)
        # Loaded late: a wrong table or path should not wait for torch.
        from nodulus.pipeline.results.manifest import RunContext
        from nodulus.pipeline.results.run_record import results_of
        from nodulus.pipeline.results.views import write_results
        from nodulus.pipeline.scoring.run_identity import identify_run, known_case
        from nodulus.pipeline.scoring.scorer import Scorer
        from nodulus.pipeline.writers.case_files import CaseFiles

        from .console import note, print_problems, print_written
        from .jobs import in_processes
        from .on_ray import on_ray

        # What reads more of a scan than its score does is done unasked where there is one.
        is_hashed, is_measured = (len(cases) == 1 if each is None else each for each in (digests, measures))
        with stages.time("load"):
            make_scorer = partial(
                Scorer,
                bundle,
                device=device,
                allow=how.allow,
                series_uid=series,
                digests=is_hashed,
                measures=is_measured,
                stability=stability,
                trust=trust,
                explain=explain,
                prevalence=prevalence,
                calibration=calibration,
            )
            scorer = make_scorer(stages=stages, engine=engine)
        if scorer.engine_note and not quiet:
            note(scorer.engine_note)
        head = results_of((), scorer.identity, scorer.engine)
        case_ids = [known_case(each).case_id for each in cases]
        files = CaseFiles(head, writers, output, case_ids, with_identifiers=with_identifiers)
        revised = () if earlier is None else (f"in place of {earlier.SOPInstanceUID}",)
        run = identify_run(scorer, cases, (*asked, *revised), with_identifiers=with_identifiers, shard=part)
        with Journal(folder, run, resume=resume) as journal:
            score: ScoreAll = partial(in_this_process, scorer, files)
            if ray is not None:
                score = on_ray(ray, jobs, scorer.device, partial(make_scorer, engine=scorer.engine), files, stages)
            elif jobs is not None and jobs > 1 and len(cases) > 1:
                score = in_processes(jobs, partial(make_scorer, engine=scorer.engine), files, stages)
            results = score_all(to_score, score, journal, quiet=quiet)
            told = _told(how, asked) | {"digests": is_hashed, "measures": is_measured, "stability": stability}
            told |= {
                "explain": explain,
                "trust": trust,
                "prevalence": prevalence,
                "calibration": calibration is not None,
            }
            told |= {"engine": engine} | ({} if part is None else {SHARD: str(part)})
            context = RunContext("infer", scorer.device, told, stages)
            run_page = run_page_of(head, results, output) if report else ()
            part_files = write_parts(results, output, parts)
            written = write_results(head, output, context, (*run_page, *part_files), results)
            written += part_files
            written += run_page or tuple(output / name for case in results for name in case.files)
            if as_json:
                typer.echo(written[0].read_text(encoding="utf-8"), nl=False)
            if as_json or quiet:
                print_problems(results)
            else:
                print_written(results, written, scorer.identity)
            return exit_code(results)


infer.__doc__ = f"{infer.__doc__}\n{EXAMPLES}"


def _told(how: ReadOptions, asked: Sequence[str]) -> dict[str, OptionValue]:
    """Return the options that bear on the results, for the manifest."""
    return {
        "allow": tuple(code.value for code in how.allow),
        "series": how.series_uid,
        "frame": how.frame,
        "min_score": how.min_score,
        "case": how.case,
        "patient": tuple(how.patient),
        "files": tuple(asked),
    }
