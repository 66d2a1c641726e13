"""How an evaluation was made, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import adaframe
from adaframe.data.clips import Clip
from adaframe.evaluation.report.blocks import markdown
from adaframe.evaluation.report.provenance import Provenance, provenance


def made(checkpoint: Path, clips: list[Clip]) -> Provenance:
    return provenance(
        command="adaframe evaluate",
        checkpoints=[str(checkpoint)],
        recognizers=[adaframe.load(checkpoint, device="cpu")],
        source=["clips.csv", "videos"],
        split="test",
        asked=4,
        kept=clips,
        decode="fast",
    )


def test_it_names_model_data_machine_and_seeds(tiny_checkpoint: Path) -> None:
    clips = [Clip("a.mp4", ("run",), group="x"), Clip("b.mp4", ("run",), group="x"), Clip("c.mp4", ("sit",), group="y")]

    text = markdown(made(tiny_checkpoint, clips).block())

    assert f"- model: `{tiny_checkpoint}`, adaptive, trained for a budget of 1; SHA-256 `" in text
    assert "- data: `clips.csv`, `videos`: split test, 3 clips, 1 more could not be read; 2 groups" in text
    assert "- decoding: `--decode fast`" in text
    assert f"adaframe {adaframe.__version__}" in text
    assert "- seeds: resampling 0" in text


def test_it_says_where_nothing_is_known(tiny_checkpoint: Path) -> None:
    one = made(tiny_checkpoint, [Clip(f"{n}.mp4", ("run",)) for n in range(4)])

    text = markdown(replace(one, split="").block())

    assert "all clips, as the data set has no splits, 4 clips; no groups known: each clip counts as one" in text
