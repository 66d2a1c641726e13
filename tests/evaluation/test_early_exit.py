"""Settings are chosen on other clips than those that they are reported on, and the verdict follows from these alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adaframe.data.clips import Clip
from adaframe.errors import DataError
from adaframe.evaluation.early_exit import (
    AS_IT_IS,
    EXIT,
    FEWER_FRAMES,
    Setting,
    Tried,
    as_right,
    as_text,
    ends,
    main,
    parts_of,
    study,
    verdict,
    within,
)
from adaframe.evaluation.metrics import Results, accuracy

HALF, EARLY, LATE = Setting(every=2), Setting(rule="confidence", threshold=0.5), Setting(rule="margin", threshold=0.9)


def answered(right: int, cost: float, *, of: int = 20, first: int = 0) -> Results:
    """So many of the clips are answered rightly, at that fraction of uniform's cost; each is a group of its own."""
    scores = np.where((np.arange(of) < right)[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
    targets = np.tile([True, False], (of, 1))
    groups = tuple(str(first + n) for n in range(of))
    gmacs = np.full(of, cost) + np.linspace(-0.01, 0.01, of)
    return Results("", scores, targets, gmacs, 1.0, None, groups, {"stage 1": 0.25, "stage 2": 0.75})


def tried(part: int = 0, **found: tuple[int, float]) -> Tried:
    names = {"plain": AS_IT_IS, "half": HALF, "early": EARLY, "late": LATE}
    return {names[name]: answered(*value, first=100 * part) for name, value in found.items()}


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


def test_the_cheapest_that_is_as_right_is_chosen() -> None:
    found = tried(plain=(15, 0.5), half=(14, 0.2), early=(15, 0.4), late=(17, 0.3))

    assert as_right([HALF, EARLY, LATE], found) == LATE
    assert as_right([HALF], found) is None


def test_the_most_right_that_is_cheap_enough_is_chosen() -> None:
    found = tried(plain=(15, 0.5), half=(14, 0.2), early=(15, 0.4), late=(17, 0.3))

    assert within([HALF, EARLY, LATE], 1.0, found) == LATE
    assert within([HALF, EARLY, LATE], 0.5, found) == HALF
    assert within([EARLY, LATE], 0.5, found) is None


def test_a_part_has_no_say_in_its_own_settings() -> None:
    # Each part would choose for itself what is bad on the other.
    one = tried(0, plain=(10, 0.5), half=(10, 0.4), early=(20, 0.1), late=(10, 0.2))
    other = tried(1, plain=(10, 0.5), half=(10, 0.4), early=(0, 0.1), late=(20, 0.2))

    found = study([one, other])

    assert found.settings[EXIT] == [LATE, EARLY]
    assert accuracy(found.equal[EXIT]) == pytest.approx((10 + 0) / 40)
    assert found.equal[EXIT].groups == one[LATE].groups + other[EARLY].groups


def test_what_cannot_be_had_is_left_out() -> None:
    found = study([tried(n, plain=(15, 0.5), half=(15, 0.4), early=(3, 0.1)) for n in range(2)])

    assert EXIT not in found.equal
    assert EXIT in found.capped[1.0]
    assert verdict(found) == "Early exit never is as right as the model without it."
    assert f"| {FEWER_FRAMES} | 75.0 [" in as_text(found)


@pytest.mark.parametrize(
    ("early", "half", "words"),
    [
        ((15, 0.2), (15, 0.4), "computes less than all of the others"),
        ((15, 0.4), (15, 0.2), "something simpler costs no more"),
        ((15, 0.4), (12, 0.2), "computes less than all of the others"),  # the cheap one is not as right
    ],
)
def test_early_exit_has_to_beat_everything_simpler(
    early: tuple[int, float], half: tuple[int, float], words: str
) -> None:
    found = study([tried(n, plain=(15, 0.5), half=half, early=early) for n in range(2)])

    assert words in verdict(found)
    assert words in as_text(found)


def test_less_compute_is_no_gain_where_answers_are_worse() -> None:
    found = study([tried(n, plain=(15, 0.5), early=(15, 0.2)) for n in range(2)])
    exit_ = found.equal[EXIT]
    bad = replace(found, equal={EXIT: replace(exit_, scores=1 - exit_.scores)})

    assert verdict(bad) == "Early exit does not pay: it is less right."


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

    assert main(["--checkpoint", str(uniform), "--data.root", str(root), "--device", "cpu"]) == 1

    assert capsys.readouterr().err.endswith("a fixed plan has no answer that settles; try: an adaptive model\n")
