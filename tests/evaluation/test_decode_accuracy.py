"""Both ways to decode answer the same files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import adaframe
from adaframe.data.clips import Clip
from adaframe.evaluation.decode_accuracy import as_text, compare, joined, main, write_joined
from adaframe.video import probe

RenderClip = Callable[..., Path]


def test_clips_of_one_label_and_group_are_joined() -> None:
    clips = [Clip(f"{n}.mp4", ("run" if n < 4 else "sit",), group="b" if n == 3 else "a") for n in range(6)]

    assert [[clip.path[0] for clip in group] for group in joined(clips, 2)] == [["0", "1"], ["2"], ["3"], ["4", "5"]]


def test_a_joined_file_is_as_long_as_its_clips_and_has_key_frames_as_told(
    render_clip: RenderClip, tmp_path: Path
) -> None:
    clips = [
        Clip(str(render_clip("joined-a.mp4", 0.4)), ("run",)),
        Clip(str(render_clip("joined-b.mp4", 1.0, size=(64, 64))), ("run",), start_s=0.2, end_s=0.6),
    ]

    write_joined(tmp_path / "joined.mp4", clips, gop=8)

    facts = probe(tmp_path / "joined.mp4")
    assert (facts.frames, facts.height, facts.width) == (20, 48, 64)
    assert facts.key_frames.tolist() == [0, 8, 16]


def test_both_ways_answer_the_same_files_from_other_frames(render_clip: RenderClip, tiny_checkpoint: Path) -> None:
    labels = ("run", "sit", "wave", "run")
    clips = [Clip(str(render_clip(f"ways-{n}.mp4", 1.0, seed=n)), (label,)) for n, label in enumerate(labels)]
    model = adaframe.load(tiny_checkpoint, device="cpu")

    # Four of 25 frames are sampled in a window of a second.
    often, rarely = (compare(model, clips, gop=gop, join=1, window_s=None, workers=1) for gop in (7, 25))

    assert 0.5 < often.moved <= 1.0
    assert rarely.moved == 0.0
    assert (rarely.exact.scores == rarely.fast.scores).all()
    assert (often.exact.targets.argmax(axis=1) == [0, 1, 2, 0]).all()
    assert as_text([rarely]).startswith("GOP 25: exact ")
    assert "100.0% agree; 0% of the frames moved" in as_text([rarely])


def test_wrong_clips_are_told_in_a_line(
    render_clip: RenderClip, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = render_clip("wrong/fly/a.mp4", 0.2).parent.parent
    render_clip("wrong/run/b.mp4", 0.2)

    assert main(["--checkpoint", str(tiny_checkpoint), "--data.root", str(root), "--device", "cpu"]) == 1
    assert capsys.readouterr().err == f"adaframe: error: {root}: the model does not know fly\n"
