"""What an early exit takes is timed on the same work that it would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import adaframe
from adaframe.evaluation.studies import early_exit_seconds
from adaframe.evaluation.studies.early_exit_seconds import (
    answering,
    as_text,
    in_turn,
    main,
    reading,
    sample,
    settled_by,
)


def test_ways_take_turns_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []

    spent = in_turn({name: lambda name=name: calls.append(name) for name in "ab"}, 2)

    assert calls == ["a", "b"] * 3
    assert {name: len(values) for name, values in spent.items()} == {"a": 2, "b": 2}


def test_every_stage_reads_its_new_frames_alone(
    render_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = render_clip("stages.mp4", 0.32)  # 8 frames
    read: list[list[int]] = []
    monkeypatch.setattr(early_exit_seconds.pyav_reader, "decode", lambda facts, wanted: read.append(wanted) or [])

    for way in reading(path, 8).values():
        way()
        read.append([])

    all_of_them, coarse, middle, fine = list(range(8)), [0, 4], [2, 6], [1, 3, 5, 7]
    assert read == [all_of_them, [], coarse, [], coarse, middle, [], coarse, middle, fine, []]


def test_a_rule_becomes_a_mask_of_settled_windows() -> None:
    now, before = torch.tensor([[0.0, 3.0], [0.0, 0.1]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])

    assert settled_by("confidence", 0.9, multi_label=False)(now, None).tolist() == [True, False]
    assert settled_by("unchanged", 1.0, multi_label=False)(now, before).tolist() == [True, False]
    assert settled_by("margin", 0.9, multi_label=True)(now, None).tolist() == [False, False]


def test_all_windows_are_answered_by_every_way(render_clip: Callable[..., Path], tiny_checkpoint: Path) -> None:
    paths = [str(render_clip(f"answering-{n}.mp4", 0.9, seed=n)) for n in range(3)]
    model = adaframe.load(tiny_checkpoint, device="cpu")
    clips = sample(model, paths, 2)
    asked: list[int] = []

    def settled(now: torch.Tensor, before: torch.Tensor | None) -> torch.Tensor:
        asked.append(len(now))
        return torch.ones(len(now), dtype=torch.bool)

    ways = answering(model, clips, settled, beta=0.0, batch=1)
    spent = in_turn(ways, 1)

    assert len(clips.valid) == 2
    assert list(spent) == ["no exit", "every 2", "every 4", "early exit", "all stages"]
    assert asked == [1, 1] * 2  # two windows, one by one; the round that does not count, and one that does


def test_times_are_per_clip_and_beside_the_first_way() -> None:
    text = as_text("model", {"no exit": [8.0, 8.0], "early exit": [4.0, 4.0]}, per=2)

    assert text == "model: no exit 4.0 (4.0–4.0); early exit 2.0 (2.0–2.0, 0.50 of it)"


def test_no_such_clips_is_a_line(
    render_clip: Callable[..., Path], tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("run", "sit"):
        root = render_clip(f"nothing/{label}/a.mp4", 0.2).parent.parent

    assert main(["--checkpoint", str(tiny_checkpoint), "--data.root", str(root), "--fold", "9"]) == 1
    assert capsys.readouterr().err == f"adaframe: error: {root}: no such clips\n"


def test_the_same_clips_are_drawn_each_time(render_clip: Callable[..., Path], tiny_checkpoint: Path) -> None:
    paths = [str(render_clip(f"drawn-{n}.mp4", 0.4, seed=n)) for n in range(4)]
    model = adaframe.load(tiny_checkpoint, device="cpu")

    one, other = sample(model, paths, 2), sample(model, paths[::-1], 2)

    assert np.array_equal(one.crops.numpy(), other.crops.numpy())
