"""From a file to its label."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adaframe.config import Glance, Look, Model, Policy, Preprocess, Sampling
from adaframe.evaluation.speed import whole
from adaframe.evaluation.speed.decode_films import render
from adaframe.evaluation.speed.methods import Rivals
from adaframe.evaluation.speed.whole import Answer, File, as_text, measure
from adaframe.model.network import Network

MODEL = Model(
    glance=Glance(8, "tiny-1", "none"),
    looks=(Look("look-32", 32, "tiny-4", "none"), Look("look-16", 16, "tiny-4", "none")),
    policy=Policy(project=4, hidden=4, skips=(1, 2)),
    sampling=Sampling(4, window_s=0.4),
    preprocess=Preprocess(32, 32),
)


@pytest.fixture
def file(tmp_path: Path) -> File:
    torch.manual_seed(0)
    path = render(tmp_path / "a.mp4", gop=5, size=(48, 64), seconds=0.8)
    return File(Rivals(Network(MODEL, classes=3).eval()), path, "exact", (0.5, 0.8))


def test_a_file_is_read_and_answered_by_its_windows(file: File) -> None:
    answer = file.answer(file.mixes[0])

    assert (file.name, file.windows, file.clips.crops.shape) == ("a.mp4", 2, (2, 4, 32, 32, 3))
    assert file.full.shape == (8, 48, 64, 3)
    assert answer.read > 0
    assert answer.whole == answer.read + answer.model > answer.read
    assert file.clips.times_s[:, 0].tolist() == [0, 0]


def test_every_way_takes_its_turn_and_parts_add_up(file: File) -> None:
    (found,) = measure([file], 3)

    assert (found["video"], found["decode"], found["windows"]) == ("a.mp4", "exact", 2)
    assert [one["budget"] for one in found["adaptive"]] == [0.5, 0.8]
    assert found["adaptive"][0]["gmacs_saved"] == pytest.approx(2, abs=0.2)
    assert 0 < found["decode_share"]["median"] < 1
    assert "a.mp4  exact" in as_text([found])


def test_what_is_allowed_follows_from_decode_share_cost_and_efficiency(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Alone the model takes 3 s, by adaptive 2 s; a file is read in 1 s. So 4 s become 3 s, of which 0.3 s get lost.
    taken = {None: Answer(1.0, 3.0), 0: Answer(1.0, 2.3), 1: Answer(1.0, 2.3)}
    alone = [(0.25,), (3.0,), (), (2.0,), (), (2.0,), ()]

    def turns(runs: list, rounds: int, place: torch.device) -> list:  # type: ignore[type-arg]
        for run in runs:
            run()
        return [one or (0.0,) for one in alone]

    order = iter((None, 0, 1))
    monkeypatch.setattr(whole, "take_turns", turns)
    monkeypatch.setattr(File, "answer", lambda _, mix: taken[next(order)])

    (found,) = measure([file], 1)

    first = found["adaptive"][0]
    assert found["decode_share"]["median"] == 0.25
    assert (found["decode_ms"]["median"], found["resize_ms"]["median"]) == (750, 250)
    assert first["speed_up"]["median"] == pytest.approx(4 / 3.3)
    assert first["allowed"]["median"] == pytest.approx(4 / 3)
    assert first["of_allowed"]["median"] == pytest.approx(3 / 3.3)
    assert first["efficiency"]["median"] == pytest.approx(1.5 / first["gmacs_saved"])
