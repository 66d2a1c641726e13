"""Models trained on MACs and on latency, at equal milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from adaframe.config import Config
from adaframe.evaluation.speed.bench import bench_parts
from adaframe.evaluation.studies.cost_kinds import Row, as_text, beta_within, main
from adaframe.model.metadata import read_metadata


def row(kind: str, right: list[bool], ms: tuple[float, ...]) -> Row:
    return Row(kind, 0.5, np.array(right), 0.2, 0.49, ms, (4.0, 4.0, 4.0))


def test_the_least_bias_that_keeps_to_the_milliseconds_is_taken() -> None:
    assert beta_within(lambda beta: 0.4, 0.5) == 0.0
    beta = beta_within(lambda beta: 1 / (1 + beta), 0.5)
    assert beta is not None
    assert 1.0 <= beta < 1.2
    assert beta_within(lambda beta: 0.6, 0.5) is None


def test_models_are_compared_clip_by_clip_and_round_by_round() -> None:
    first = [row("macs", [True, False, False, True], (2.0, 2.0, 2.0)), row("latency", [True] * 4, (1.0, 1.0, 3.0))]
    second = [row("macs", [True] * 4, (2.0, 2.0, 2.0)), row("latency", [True] * 4, (2.0, 2.0, 2.0))]

    text = as_text([first, second])

    assert "| 0 | 0.5 | macs | 50.0% | 0.200 | 0.490 | 0.500 (0.500–0.500) | 2.00 of 4.00 |" in text
    assert "at 0.5: trained on latency +25.0 points [+0.0, +50.0] over 8 clips of 2 pairs" in text
    assert "in 0.750 (0.500–1.000) of the time" in text


def test_a_pair_is_moved_to_a_budget_of_milliseconds_and_timed(
    render_clip: Callable[..., Path], tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "test"):
        for seed, name in enumerate(("run", "sit", "wave")):
            render_clip(tmp_path / "data" / split / name / "clip.mp4", 1.0, seed=seed)
    bench_parts(
        tmp_path / "t.json", config=Config(read_metadata(tiny_checkpoint).model), batch=2, repeats=1, device="cpu"
    )
    capsys.readouterr()
    pair = [str(tmp_path / "data"), str(tiny_checkpoint), str(tiny_checkpoint)]

    # Tiny networks take longer to glance than to look.
    code = main(["--table", str(tmp_path / "t.json"), "--pair", *pair, "--budget", "1", "--rounds", "1"])

    printed = capsys.readouterr().out
    assert code == 0
    assert "2 at once" in printed
