"""Both ways to decode answer the same files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import adaframe
from adaframe.data.clips import Clip
from adaframe.errors import DataError
from adaframe.evaluation.speed.decode_films import joined, write_joined
from adaframe.evaluation.studies.decode_accuracy import as_text, combined, compare, main, models_of_folds
from adaframe.video import probe

RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]


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

    assert often.frames[1] < often.frames[0] / 2
    assert often.settled == 4
    assert rarely.frames == (16, 16)
    assert rarely.settled == 0
    assert (rarely.exact.scores == rarely.fast.scores).all()
    assert (often.exact.targets.argmax(axis=1) == [0, 1, 2, 0]).all()
    assert as_text([rarely]).startswith("GOP 25: exact ")
    assert "100.0% agree\n  0% of the windows answered from key frames, 0% of the frames moved" in as_text([rarely])


def test_wrong_clips_are_told_in_a_line(
    render_clip: RenderClip, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = render_clip("wrong/fly/a.mp4", 0.2).parent.parent
    render_clip("wrong/run/b.mp4", 0.2)

    assert main(["--checkpoint", str(tiny_checkpoint), "--data.root", str(root), "--device", "cpu"]) == 1
    assert capsys.readouterr().err == f"adaframe: error: {root}: the model does not know fly\n"


def test_windows_of_long_files_are_counted_too(render_clip: RenderClip, tiny_checkpoint: Path) -> None:
    clips = [Clip(str(render_clip(f"ways-{n}.mp4", 1.0, seed=n)), ("run",)) for n in range(4)]
    model = adaframe.load(tiny_checkpoint, device="cpu")

    compared = compare(model, clips, gop=7, join=2, window_s=None, workers=1)

    assert len(compared.exact.scores) == 4  # clips without a group are one each
    grouped = [replace(clip, group="one") for clip in clips]
    compared = compare(model, grouped, gop=7, join=4, window_s=None, workers=1)
    assert [len(compared.exact.scores), len(compared.windows[0].scores)] == [1, 4]
    assert compared.windows[1].groups == ("one",) * 4
    assert "of 4 windows right" in as_text([compared])


def test_models_of_folds_answer_their_own_fold_by_the_limits_of_the_others(
    make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    for fold, (unsure, strange) in {"1": (0.2, 1.0), "2": (0.4, 2.0), "3": (0.6, 4.0)}.items():
        made = make_checkpoint(f"of-fold-{fold}", unsure_below=unsure, strange_above=strange)
        (tmp_path / f"fold-{fold}").mkdir()
        shutil.copy(made, tmp_path / f"fold-{fold}" / "model.safetensors")

    models = models_of_folds(tmp_path, "cpu")

    limits = {fold: (model.metadata.unsure_below, model.metadata.strange_above) for fold, model in models.items()}
    assert limits == {"1": (0.5, 3.0), "2": (pytest.approx(0.4), 2.5), "3": (pytest.approx(0.3), 1.5)}


def test_a_folder_without_folds_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no models of folds"):
        models_of_folds(tmp_path, "cpu")


def test_what_several_models_answered_is_put_together(render_clip: RenderClip, tiny_checkpoint: Path) -> None:
    model = adaframe.load(tiny_checkpoint, device="cpu")
    clips = [Clip(str(render_clip(f"ways-{n}.mp4", 1.0, seed=n)), ("run",)) for n in range(3)]
    parts = [compare(model, some, gop=7, join=1, window_s=None, workers=1) for some in (clips[:1], clips[1:])]

    both = combined(parts)

    assert (both.exact.scores[1:] == parts[1].exact.scores).all()
    assert both.frames == (12, parts[0].frames[1] + parts[1].frames[1])
    assert (len(both.fast.groups), len(both.decode_s), both.settled) == (3, 3, parts[0].settled + parts[1].settled)
