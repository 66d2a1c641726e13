"""What counts as found."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from adaframe.data.clips import Clip, data_set
from adaframe.errors import DataError
from adaframe.evaluation.live.events import Method, Outcome, as_text, match, measure


def test_an_event_finds_the_true_one_in_which_it_begins() -> None:
    true = [(2.0, 5.0), (7.0, 9.0)]

    assert match([3.5, 7.0], true) == [1.5, 0.0]
    assert match([1.9, 5.0, 9.0], true) == []  # too early, or too late
    assert match([2.5, 3.0, 4.0], true) == [0.5]  # one true event is found once


def test_late_answers_find_an_event_until_the_next_begins() -> None:
    true = [(2.0, 4.0), (6.0, 8.0)]

    assert match([5.0], true) == []
    assert match([5.0], true, late_s=1.5) == [3.0]
    assert match([6.5, 9.0], true, late_s=5.0) == [0.5]  # of the second: it has begun, and is found once


def test_the_table_adds_the_folds_up() -> None:
    folds = [Outcome(4, 2, (0.5, 1.5), 0.8, 10.0, 100.0), Outcome(1, 2, (1.0,), 0.6, 30.0, 100.0)]

    row = as_text({"own": folds}).splitlines()[1]

    for part in ("60.0 %", "75.0 %", "(50–100)", "1.00", "70.0 %", "0.200"):  # 3 of 5, 3 of 4, …
        assert part in row


def test_each_folds_clips_go_to_its_model(
    tiny_checkpoint: Path, render_clip: Callable[..., Path], tmp_path: Path
) -> None:
    clips = []
    for n, (fold, label) in enumerate(itertools.product("12", ("run", "sit"))):
        path = render_clip(f"events-{n}.mp4", 1.0, seed=n)
        clips.append(Clip(str(path), (label,), fold=fold, group=str(n)))
        (tmp_path / f"fold-{fold}").mkdir(exist_ok=True)
        (tmp_path / f"fold-{fold}" / "model.safetensors").write_bytes(tiny_checkpoint.read_bytes())
    data = data_set(clips, False, "here")
    methods = [Method("own", 1.0), Method("changed", None, still=True), Method("uniform", None)]

    outcomes = measure(data, tmp_path, methods, label="run", scene=1, seeds=[0, 1])

    assert [len(folds) for folds in outcomes.values()] == [4, 4, 4]
    for own, changed, uniform in zip(*outcomes.values(), strict=True):
        assert (own.true, uniform.true) == (1, 1)
        assert own.seconds == pytest.approx(2.0)
        assert 0 < own.gmacs < uniform.gmacs
        assert 0 < changed.gmacs <= uniform.gmacs


def test_with_events_only_their_parts_of_the_clips_are_true(
    tiny_checkpoint: Path, render_clip: Callable[..., Path], tmp_path: Path
) -> None:
    clips, events = [], {}
    for n, (fold, label) in enumerate(itertools.product("12", ("run", "sit"))):
        path = render_clip(f"parts-{n}.mp4", 2.0, seed=n)
        clips.append(Clip(str(path), (label,), fold=fold, group=str(n)))
        events[str(path)] = (0.5, 1.0)
        (tmp_path / f"fold-{fold}").mkdir(exist_ok=True)
        (tmp_path / f"fold-{fold}" / "model.safetensors").write_bytes(tiny_checkpoint.read_bytes())
    data = data_set(clips, False, "here")

    found = measure(data, tmp_path, [Method("own", 1.0)], label="sit", scene=1, seeds=[0], events=events)["own"]

    assert [one.true for one in found] == [1, 1]
    # Of four seconds half a second is the event: who never tells it is right the rest of the time, who always does then.
    told = [one.told > 0 for one in found]
    assert all(one.right == pytest.approx(0.875, abs=0.07) for one, tells in zip(found, told, strict=True) if not tells)


def test_without_folds_there_is_nothing_to_measure(tmp_path: Path) -> None:
    data = data_set([Clip("a.mp4", ("run",)), Clip("b.mp4", ("sit",))], False, "here")

    with pytest.raises(DataError, match="needs clips with folds"):
        measure(data, tmp_path, [Method("own", None)], label="run", scene=1, seeds=[0])
