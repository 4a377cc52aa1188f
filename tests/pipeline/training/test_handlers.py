"""Each of the training's handlers by itself, on engines that do nothing else."""

from __future__ import annotations

import logging
import math
import pickle
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.data import Dataset
from monai.transforms import Randomizable, Transform

from nodulus.pipeline.training import handlers
from nodulus.pipeline.training.handlers import (
    HEADING,
    EpochLog,
    EpochSeed,
    KeepBest,
    ResumePoint,
    StateDeterminism,
    StopEarly,
    read_checkpoint,
)
from nodulus.transforms.problems import UsageError


class Draw(Randomizable, Transform):  # type: ignore[misc]  # MONAI has no types
    """A random transform that draws a number."""

    def __call__(self, data: Any) -> float:
        return float(self.R.random())


def trainer() -> Engine:
    """Return an engine whose batches are losses, with a log of its own."""
    engine = Engine(lambda _, loss: [{"loss": loss}])
    engine.logger = logging.getLogger("trainer")
    return engine


def evaluator(best_epoch: int = -1, best: float = -1.0, value: float = math.nan) -> Engine:
    """Return an engine in the state that MONAI's evaluator has after a validation."""
    engine = Engine(lambda *_: None)
    engine.state.key_metric_name = "val_auc"
    engine.state.metrics = {"val_auc": value}
    engine.state.best_metric, engine.state.best_metric_epoch = best, best_epoch
    return engine


@pytest.mark.parametrize(
    ("device", "level", "said"),
    [
        ("cpu", logging.INFO, "Deterministic: seed, data and"),
        ("cuda", logging.WARNING, "Not deterministic on cuda: max_pool3d and adaptive_avg_pool3d backwards"),
    ],
)
def test_a_run_says_what_its_seed_decides(device: str, level: int, said: str, caplog: pytest.LogCaptureFixture) -> None:
    engine = trainer()
    StateDeterminism(torch.device(device)).attach(engine)
    with caplog.at_level(logging.INFO, logger="trainer"):
        engine.run([0.0], max_epochs=2)
    (line,) = [record for record in caplog.records if said in record.getMessage()]
    assert line.levelno == level


def drawn(seed: int, epochs: int, first: int = 0) -> list[tuple[float, float]]:
    """Return what torch and a dataset's transform draw in each epoch of a run from after epoch ``first``."""
    dataset = Dataset([0], Draw())
    engine, found = trainer(), []
    EpochSeed(seed, dataset).attach(engine)
    engine.add_event_handler(Events.EPOCH_STARTED, lambda _: found.append((float(torch.rand(())), float(dataset[0]))))
    engine.state.epoch = first
    engine.add_event_handler(Events.STARTED, lambda e: setattr(e.state, "epoch", first))
    engine.run([0.0], max_epochs=epochs)
    return found


def test_an_epoch_draws_the_same_whether_the_run_was_resumed_or_not() -> None:
    whole = drawn(seed=3, epochs=4)
    assert len(set(whole)) == 4
    torch.rand(7)  # whatever was drawn before
    assert drawn(seed=3, epochs=4, first=2) == whole[2:]
    assert not set(drawn(seed=4, epochs=4)) & set(whole)


def test_only_the_best_epoch_is_kept_as_a_plain_state_dict(tmp_path: Path) -> None:
    network, path = torch.nn.Linear(1, 1), tmp_path / "model.pt"
    engine = evaluator()
    KeepBest(network, str(path)).attach(engine)

    def validate(epoch: int, best_epoch: int, weight: float) -> float:
        torch.nn.init.constant_(network.weight, weight)
        engine.add_event_handler(Events.STARTED, lambda e: setattr(e.state, "best_metric_epoch", best_epoch))
        engine.run([0], max_epochs=epoch, epoch_length=1)
        return float(torch.load(path, weights_only=True)["weight"])

    assert validate(epoch=1, best_epoch=1, weight=1.0) == 1.0
    assert validate(epoch=2, best_epoch=1, weight=2.0) == 1.0
    assert validate(epoch=3, best_epoch=3, weight=3.0) == 3.0


@pytest.mark.parametrize(("best_epoch", "patience", "stops_after"), [(-1, 2, 2), (1, 2, 3), (3, 2, 5), (1, 20, 9)])
def test_training_stops_when_patience_is_over(best_epoch: int, patience: int, stops_after: int) -> None:
    engine = trainer()
    StopEarly(evaluator(best_epoch), patience).attach(engine)
    engine.run([0.0], max_epochs=9)
    assert engine.state.epoch == stops_after


def test_a_resume_point_gives_back_all_that_training_needs(tmp_path: Path) -> None:
    path = tmp_path / "resume.pt"
    network = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(network.weight, 5.0)
    first = trainer()
    ResumePoint(str(path), {"network": network}, evaluator(best_epoch=2, best=0.75)).attach(first)
    first.run([0.0, 0.0, 0.0], max_epochs=2)

    other, judge, second = torch.nn.Linear(1, 1), evaluator(), trainer()
    started: list[int] = []
    second.add_event_handler(Events.EPOCH_STARTED, lambda engine: started.append(engine.state.epoch))
    ResumePoint(str(path), {"network": other}, judge, resume=True).attach(second)
    second.run([0.0, 0.0, 0.0], max_epochs=4)
    assert started == [3, 4]
    assert second.state.iteration == 12
    assert torch.equal(other.weight, network.weight)
    assert (judge.state.best_metric, judge.state.best_metric_epoch) == (0.75, 2)


def test_a_run_that_was_not_asked_to_resume_starts_anew(tmp_path: Path) -> None:
    for resume, is_there in ((False, True), (True, False)):
        path = tmp_path / f"{resume}.pt"
        if is_there:
            path.write_text("of another run")
        network, engine = torch.nn.Linear(1, 1), trainer()
        before = network.weight.clone()
        ResumePoint(str(path), {"network": network}, evaluator(), resume=resume).attach(engine)
        engine.run([0.0], max_epochs=1)
        assert (engine.state.epoch, torch.equal(network.weight, before)) == (1, True)


def checkpoint_of(parts: dict[str, torch.nn.Module], path: Path) -> bytes:
    engine = trainer()
    ResumePoint(str(path), parts, evaluator()).attach(engine)
    engine.run([0.0], max_epochs=1)
    return path.read_bytes()


class Harmful:
    """What a pickle may do to those who load it unsafely."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path("harmed"),)  # type: ignore[return-value]  # a path, not a text


def foreign_files(path: Path) -> dict[str, bytes]:
    """Return files that are no checkpoint of a run, by what is wrong with them."""
    whole = checkpoint_of({"network": torch.nn.Linear(1, 1)}, path)
    files = {f"cut after {share:.0%}": whole[: int(len(whole) * share)] for share in (0, 0.01, 0.3, 0.6, 0.99)}
    files |= {f"pickle {protocol}": pickle.dumps({"progress": Harmful()}, protocol) for protocol in range(6)}
    saved: dict[str, object] = {
        "a list": [1],
        "a number": 1,
        "nothing of a run": {"network": {}},
        "half a progress": {"progress": {"epoch": 1}},
        "no progress": {"progress": 7},
        "a harmful object": {"progress": Harmful()},
        "a network": torch.nn.Linear(1, 1),
    }
    for name, content in saved.items():
        torch.save(content, path)
        files[name] = path.read_bytes()
    torch.save({"progress": 1}, path, _use_new_zipfile_serialization=False)
    return files | {"the old form": path.read_bytes(), "text": b"epoch 1\n", "a flipped bit": _flipped(whole)}


def _flipped(content: bytes) -> bytes:
    middle = content.index(b"progress")  # in the pickle that says what is in the file
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


def test_what_is_no_checkpoint_of_a_run_is_refused_in_a_line_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in foreign_files(tmp_path / "made.pt").items():
        path = tmp_path / "resume.pt"
        path.write_bytes(content)
        engine, network = trainer(), torch.nn.Linear(1, 1)
        ResumePoint(str(path), {"network": network}, evaluator(), resume=True).attach(engine)
        with pytest.raises(
            UsageError, match=rf"^Expected the (checkpoint|progress) of a run in {path}, got .*"
        ) as said:
            engine.run([0.0], max_epochs=1)
        assert "weights_only" not in str(said.value), name
        assert "\n" not in str(said.value), name
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("parts", [{"network": torch.nn.Linear(2, 1)}, {"other": torch.nn.Linear(1, 1)}])
def test_a_checkpoint_of_another_network_is_refused(parts: dict[str, torch.nn.Module], tmp_path: Path) -> None:
    checkpoint_of(parts, tmp_path / "resume.pt")
    engine = trainer()
    network = {"network": torch.nn.Linear(1, 1)}
    ResumePoint(str(tmp_path / "resume.pt"), network, evaluator(), resume=True).attach(engine)
    with pytest.raises(UsageError, match=r"Expected a checkpoint of this config's run in .*resume.pt, got one of anot"):
        engine.run([0.0], max_epochs=1)


def test_a_disk_too_full_for_a_checkpoint_is_named_and_the_last_one_kept(tmp_path: Path) -> None:
    path, network = tmp_path / "resume.pt", {"network": torch.nn.Linear(1000, 10)}
    before = checkpoint_of({}, path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, limits[1]))
    try:
        with pytest.raises(UsageError, match=rf"^Expected to write {path}, got: File too large$"):
            checkpoint_of(dict(network), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_log_has_a_line_an_epoch_with_the_mean_loss(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("of an earlier run")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.25)
    engine = trainer()
    EpochLog(str(path), evaluator(best=0.875, value=0.5), optimizer).attach(engine)
    engine.run([1.0, 2.0], max_epochs=2)
    lines = path.read_text().splitlines(keepends=True)
    assert lines[0] == HEADING
    assert [line.split()[:5] for line in lines[1:]] == [
        [epoch, "1.50000", "0.5000", "(0.8750)", "2.50e-01"] for epoch in ("1", "2")
    ]


def test_a_log_goes_on_when_training_is_resumed_and_hides_no_error(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(HEADING + "    1  ...\n")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.25)
    engine = trainer()
    engine.add_event_handler(Events.STARTED, lambda e: setattr(e.state, "epoch", 1))
    EpochLog(str(path), evaluator(), optimizer).attach(engine)
    engine.run([1.0], max_epochs=2)
    assert [line.split()[0] for line in path.read_text().splitlines()] == ["epoch", "1", "2"]

    broken = Engine(lambda *_: 1 / 0)
    EpochLog(str(path), evaluator(), optimizer).attach(broken)
    with pytest.raises(ZeroDivisionError):
        broken.run([1.0], max_epochs=1)


PROGRESS = {"epoch": 2, "iteration": 6, "best_metric": 0.75, "best_metric_epoch": 2}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([1, 2], "got a file that is cut short or holds something else"),
        ({"network": {}}, "got a file that is cut short or holds something else"),
        ({"progress": 3}, "got a file that is cut short or holds something else"),
        ({"progress": {"epoch": 2, 7: 1}}, r"got \['7', 'epoch'\]"),
        ({"progress": {**PROGRESS, "epoch": "two"}}, "Expected the progress of a run"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path, state: object, message: str) -> None:
    torch.save(state, tmp_path / "resume.pt")
    with pytest.raises(UsageError, match=message):
        read_checkpoint(tmp_path / "resume.pt")


@pytest.mark.parametrize("content", [b"", b"of another run", b"PK\x03\x04" + bytes(40), b"\x80\x02}q\x00."])
def test_a_checkpoint_that_torch_does_not_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "resume.pt").write_bytes(content)
    with pytest.raises(UsageError, match="cut short or holds something else"):
        read_checkpoint(tmp_path / "resume.pt")


@pytest.mark.parametrize("network", [None, {}, {"weight": torch.zeros(3, 3), "bias": torch.zeros(3)}, {3: 4}, 5])
def test_what_is_no_state_of_the_network_is_refused(tmp_path: Path, network: object) -> None:
    torch.save({"progress": PROGRESS} | ({} if network is None else {"network": network}), tmp_path / "resume.pt")
    point = ResumePoint(str(tmp_path / "resume.pt"), {"network": torch.nn.Linear(1, 1)}, evaluator(), resume=True)
    with pytest.raises(UsageError, match="got one of another network or optimizer"):
        point.load(trainer())


@pytest.mark.parametrize("kind", [TypeError, AttributeError, KeyError, ValueError])
def test_a_bug_beside_a_checkpoint_stays_one(
    tmp_path: Path, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"progress": {}}, tmp_path / "resume.pt")

    def fails(*_: object) -> None:
        raise kind("a mistake of ours")

    monkeypatch.setattr(handlers, "sorted", fails, raising=False)
    with pytest.raises(kind, match="a mistake of ours"):
        read_checkpoint(tmp_path / "resume.pt")
