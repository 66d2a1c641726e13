"""Which clips choose and which are reported, when a window ends, and the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from adaframe.data.clips import Clip
from adaframe.errors import DataError
from adaframe.evaluation.studies.early_exit import ends, main, parts_of
from adaframe.evaluation.studies.early_exit_choice import Setting


def test_a_window_ends_where_the_rule_is_met_first() -> None:
    scores = np.array(
        [
            [[0.95, 0.05], [0.6, 0.4], [0.9, 0.1]],  # sure at once
            [[0.6, 0.4], [0.1, 0.9], [0.5, 0.5]],  # later
            [[0.6, 0.4], [0.4, 0.6], [0.7, 0.3]],  # never
        ]
    )

    assert ends(scores, Setting(rule="confidence", threshold=0.9), multi_label=False).tolist() == [0, 1, 2]
    assert ends(scores, Setting(rule="unchanged", threshold=1.0), multi_label=False).tolist() == [1, 2, 2]


def test_quarters_of_the_clips_share_no_group() -> None:
    clips = [Clip(f"{n}.mp4", ("run",), group=f"film {n % 9}") for n in range(40)]

    parts = parts_of(clips, "", "model.safetensors")

    assert sorted(c.path for _, some in parts for c in some) == sorted(c.path for c in clips)
    groups = [{c.group for c in some} for _, some in parts]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 9
    assert {path for path, _ in parts} == {"model.safetensors"}


def test_a_fold_is_answered_by_the_model_that_did_not_learn_from_it() -> None:
    clips = [Clip(f"{n}.mp4", ("run",), fold=str(n % 2)) for n in range(4)]

    parts = parts_of(clips, "runs/a", "")

    assert [path for path, _ in parts] == ["runs/a/fold-0/model.safetensors", "runs/a/fold-1/model.safetensors"]
    assert [[c.path for c in some] for _, some in parts] == [["0.mp4", "2.mp4"], ["1.mp4", "3.mp4"]]


def test_clips_that_cannot_be_parted_are_refused() -> None:
    clips = [Clip(f"{n}.mp4", ("run",), group="one film") for n in range(40)]

    with pytest.raises(DataError, match="1 groups of clips are too few"):
        parts_of(clips, "", "model.safetensors")
    with pytest.raises(DataError, match="no folds"):
        parts_of(clips, "runs/a", "")


@pytest.mark.slow
def test_the_command_prints_a_table(
    render_clip: Callable[..., Path], tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(8):
        root = render_clip(f"early/{('run', 'sit', 'wave')[n % 3]}/{n}.mp4", 0.9, seed=n).parent.parent

    assert main(["--checkpoint", str(tiny_checkpoint), "--data.root", str(root), "--device", "cpu"]) == 0

    text = capsys.readouterr().out
    assert "| no exit | " in text
    assert "8 clips in 8 groups" in text


def test_a_fixed_plan_is_refused_in_a_line(
    render_clip: Callable[..., Path], make_checkpoint: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(4):
        root = render_clip(f"plan/{('run', 'sit')[n % 2]}/{n}.mp4", 0.2, seed=n).parent.parent
    uniform = make_checkpoint("plan-uniform", plan="uniform")

    assert main(["--checkpoint", str(uniform), "--data.root", str(root), "--device", "cpu"]) == 2

    assert capsys.readouterr().err.endswith("a fixed plan has no answer that settles; try: an adaptive model\n")
