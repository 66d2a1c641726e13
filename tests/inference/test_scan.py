"""Few key frames settle a window where the model is sure of it and wanted nothing better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adaframe.errors import DecoderFailure
from adaframe.inference.scan import merged, unsettled, without_second
from adaframe.inference.total import Recognised
from adaframe.model.actions import Actions, Decisions
from adaframe.model.metadata import Metadata, read_metadata
from adaframe.video import ClipFrames
from adaframe.video.clip_frames import Scan

LOOK_32, LOOK_16, GLANCE, SKIP = 0, 1, 2, 3
SURE, FAIRLY, UNSURE = 8.0, 1.2, 0.4  # scores: confidences of 0.999, 0.62 and 0.43 among three classes


@pytest.fixture(scope="module")
def metadata(tiny_checkpoint: Path) -> Metadata:
    """An answer is unsure below 0.5: half way to certainty is 0.75."""
    return replace(read_metadata(tiny_checkpoint), unsure_below=0.5, strange_above=2.0)


def recognised(
    *,
    actions: list[list[int]],
    scores: list[float],
    strangeness: list[float] | None = None,
    starts: list[float] | None = None,
    scan: Scan | None = None,
) -> Recognised:
    """Windows of so many frames as actions, which score the first of three classes."""
    w, t = len(actions), len(actions[0])
    chosen, all_of = torch.tensor(actions), torch.ones(w, t, dtype=torch.bool)
    starts = starts or [float(n) for n in range(w)]
    frames = ClipFrames(
        path="a.mp4",
        images=np.zeros((w, t, 2, 2, 3), np.uint8),
        times_s=np.zeros((w, t)),
        indices=np.zeros((w, t), np.int64),
        valid=np.ones((w, t), np.bool_),
        start_s=np.array(starts),
        end_s=np.array(starts) + 1,
        windows_total=9,
        decode_s=0.1,
        warnings=(),
        reader="pyav",
        scan=scan,
    )
    return Recognised(
        frames=frames,
        scores=torch.tensor([[s, 0.0, 0.0] for s in scores]),
        strangeness=torch.tensor(strangeness or [0.0] * w),
        decisions=Decisions(chosen, all_of, all_of, all_of, Actions(("look-32", "look-16"), True, (1, 2))),
        macs=100.0,
        macs_uniform=1000.0,
        model_s=0.2,
    )


def first_step(few: list[bool], unread: tuple[int, ...] = ()) -> Scan:
    return Scan(np.arange(10, 10 + len(few)), np.array(few), unread)


def test_what_was_not_scanned_is_settled(metadata: Metadata) -> None:
    assert unsettled(recognised(actions=[[GLANCE]], scores=[UNSURE]), metadata) == ()


def test_few_frames_settle_only_what_the_model_is_quite_sure_of(metadata: Metadata) -> None:
    scan = first_step([True, True, True, True])
    first = recognised(
        actions=[[GLANCE]] * 4, scores=[SURE, FAIRLY, UNSURE, SURE], strangeness=[0.0, 0.0, 0.0, 3.0], scan=scan
    )

    assert unsettled(first, metadata) == (11, 12, 13)


def test_few_frames_do_not_settle_what_the_policy_looked_at_closer(metadata: Metadata) -> None:
    actions = [[GLANCE, SKIP], [GLANCE, LOOK_16], [LOOK_32, SKIP]]

    assert unsettled(recognised(actions=actions, scores=[SURE] * 3, scan=first_step([True] * 3)), metadata) == (11, 12)


def test_enough_frames_settle_everything_and_windows_without_any_are_left(metadata: Metadata) -> None:
    first = recognised(actions=[[LOOK_32]], scores=[UNSURE], scan=first_step([False], unread=(3, 12)))

    assert unsettled(first, metadata) == (3, 12)


def test_both_steps_are_paid_and_the_second_answers(metadata: Metadata) -> None:
    scan = first_step([True, True], unread=(12,))
    first = recognised(actions=[[GLANCE, SKIP]] * 2, scores=[SURE, UNSURE], starts=[0.0, 1.0], scan=scan)
    second = recognised(actions=[[LOOK_32, LOOK_32]] * 2, scores=[5.0, 6.0], starts=[1.0, 2.0])

    both = merged(first, second, metadata)

    assert both.scores[:, 0].tolist() == [SURE, 5.0, 6.0]
    assert [both.decisions.names(w)[0] for w in range(3)] == ["glance", "look-32", "look-32"]
    assert (both.macs, both.model_s) == (200.0, 0.4)
    assert both.macs_uniform == pytest.approx(3 * float(metadata.costs.uniform(torch.tensor([2]))))


def test_where_the_second_step_fails_key_frames_answer_and_that_is_said() -> None:
    first = recognised(actions=[[GLANCE]], scores=[UNSURE], scan=first_step([True], unread=(11, 12)))

    left = without_second(first, DecoderFailure("a.mp4", "the decoder crashed (SIGSEGV)"))

    assert left.scores is first.scores
    assert left.frames.scan is None
    assert left.frames.warnings == (
        "1 windows are answered from key frames alone: the decoder crashed (SIGSEGV)",
        "2 windows are left out: the decoder crashed (SIGSEGV)",
    )
