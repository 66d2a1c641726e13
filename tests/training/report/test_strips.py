"""Film strips of held-out clips, by really classifying their files with the saved model."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import adaframe
from adaframe.config import Config
from adaframe.data.clips import Clip, DataSet
from adaframe.training.calibration import Outcome
from adaframe.training.report.strips import film_strips

CONFIDENCE = np.array([0.6, 0.9, 0.8, 0.95, 0.7, 0.55])


@pytest.fixture
def run(trained: Path, colours: Path, tmp_path: Path, make_config: Callable[..., Config]) -> Any:
    """A finished run with six clips."""
    (tmp_path / "model.safetensors").write_bytes((trained / "model.safetensors").read_bytes())
    clips = tuple(Clip(str(path), (path.parent.name,)) for path in sorted(colours.rglob("*.mp4"))[4:10])
    material = SimpleNamespace(data_set=DataSet(clips, ("blue", "red"), multi_label=False))
    return SimpleNamespace(config=make_config(), out=tmp_path, material=material)


def outcome(run: Any, wrong: set[int]) -> Outcome:
    """Answers of the given confidence; those of some rows are the other class."""
    truth = np.array([run.material.data_set.classes.index(c.labels[0]) for c in run.material.data_set.clips])
    said = np.array([1 - t if n in wrong else t for n, t in enumerate(truth)])
    scores = np.where(np.eye(2)[said] > 0, CONFIDENCE[:, None], 1 - CONFIDENCE[:, None])
    ones = np.ones(6)
    return Outcome(np.arange(6), scores, np.eye(2)[truth], ones, ones, ones, ones, {})


def test_the_surest_right_and_wrong_ones_are_drawn(run: Any) -> None:
    text = film_strips(run, outcome(run, wrong={0, 2, 4}))

    names = [Path(c.path).name for c in run.material.data_set.clips]
    right, wrong = text.split("### Wrong")
    assert re.findall(r"\*\*(\S+)\*\*", right) == [names[3], names[1]]
    assert re.findall(r"\*\*(\S+)\*\*", wrong) == [names[2], names[4], names[0]]
    shown = re.findall(r"!\[film strip of .+\]\((.+)\)", text)
    assert shown == [f"figures/{n}.png" for n in ("right-1", "right-2", "wrong-1", "wrong-2", "wrong-3")]
    assert all((run.out / path).read_bytes().startswith(b"\x89PNG") for path in shown)


def test_captions_say_what_the_saved_model_answers_to_the_file(run: Any) -> None:
    text = film_strips(run, outcome(run, wrong=set()))

    clip = run.material.data_set.clips[3]
    prediction = adaframe.load(run.out / "model.safetensors", device="cpu").classify(clip.path)
    share = f"{100 * prediction.confidence:.0f} %"
    assert f"**{Path(clip.path).name}**: is {clip.labels[0]}, answered {prediction.label} ({share}" in text
    before = "" if prediction.label == clip.labels[0] else f"; in validation {clip.labels[0]}"
    assert f"({share}{before})" in text
    assert text.endswith("There is none.")  # no wrong one


def test_the_part_of_a_file_that_is_the_clip_is_drawn(run: Any) -> None:
    clips = tuple(replace(clip, start_s=0.0, end_s=0.5) for clip in run.material.data_set.clips)
    run.material.data_set = DataSet(clips, ("blue", "red"), multi_label=False)

    text = film_strips(run, outcome(run, wrong={0, 1, 2, 4, 5}))

    assert f"**{Path(clips[3].path).name} (from 0 s to 0.5 s)**: is" in text


def test_a_file_that_is_gone_is_said_and_the_others_are_drawn(run: Any) -> None:
    clips = list(run.material.data_set.clips)
    clips[1] = replace(clips[1], path=str(run.out / "gone.mp4"))
    run.material.data_set = DataSet(tuple(clips), ("blue", "red"), multi_label=False)

    text = film_strips(run, outcome(run, wrong=set()))

    assert re.search(r"`.*gone\.mp4`: \w+", text)
    assert "![film strip of" in text


def test_no_strip_is_begun_when_time_is_up(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    text = film_strips(run, outcome(run, wrong={0, 2}), limit_s=0.0)

    assert text.count("![film strip of") == 1
    assert "3 more were left out" in text
    assert "3 film strips are left out" in capsys.readouterr().err
