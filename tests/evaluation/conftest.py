"""Clips, a baseline of its own and one evaluation with everything on, for the tests of what `adaframe evaluate` does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]
Run = tuple[dict[str, Any], Path]
RowOf = Callable[[str], dict[str, Any]]
Classified = Callable[..., tuple[float, float, float]]
NumbersOf = Callable[..., dict[str, Any]]
CLASSES = ("run", "sit", "wave")
BUDGETS = (0.2, 0.6)


@pytest.fixture(scope="session")
def data(render_clip: RenderClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine test clips of a second, one of three seconds, and three clips to train on."""
    root = tmp_path_factory.mktemp("data")
    for seed in range(10):
        render_clip(root / "test" / CLASSES[seed % 3] / f"clip-{seed}.mp4", 3.0 if seed == 9 else 1.0, seed=seed)
    for seed in range(20, 23):
        render_clip(root / "train" / CLASSES[seed % 3] / f"clip-{seed}.mp4", 0.2, seed=seed)
    return root


@pytest.fixture(scope="session")
def uniform(make_checkpoint: MakeCheckpoint) -> Path:
    return make_checkpoint("trained-uniform", plan="uniform", seed=1)


@pytest.fixture(scope="session")
def run(data: Path, tiny_checkpoint: Path, uniform: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The JSON and the report's folder of one run with everything on."""
    from adaframe.evaluation.evaluate import evaluate

    out = tmp_path_factory.mktemp("out")
    evaluate(
        checkpoint=str(tiny_checkpoint),
        root=str(data),
        budgets=BUDGETS,
        baselines=True,
        against=[str(uniform)],
        json_path=str(out / "numbers.json"),
        report=str(out / "report"),
        device="cpu",
        workers=1,
    )
    return json.loads((out / "numbers.json").read_text()), out / "report"


@pytest.fixture(scope="session")
def row_of(run: Run) -> RowOf:
    """Gives the numbers of one method of that evaluation."""

    def find(name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = [one for one in run[0]["methods"] if one["name"] == name]
        assert len(found) == 1, [one["name"] for one in run[0]["methods"]]
        return found[0]

    return find


@pytest.fixture
def numbers_of(tmp_path: Path) -> NumbersOf:
    """Evaluates a checkpoint, and gives what --json holds."""
    from adaframe.evaluation.evaluate import evaluate

    def run(checkpoint: Path, **options: Any) -> dict[str, Any]:
        out = tmp_path / "numbers.json"
        evaluate(checkpoint=str(checkpoint), json_path=str(out), **{"device": "cpu", "workers": 1, **options})
        numbers: dict[str, Any] = json.loads(out.read_text())
        return numbers

    return run


@pytest.fixture(scope="session")
def classified() -> Classified:
    """Accuracy, mean GMACs and mean GMACs of uniform of the test clips of a folder, by classifying clip by clip."""
    import numpy as np

    import adaframe

    def classify(checkpoint: Path, data: Path, budget: float | None = None) -> tuple[float, float, float]:
        model = adaframe.load(checkpoint, device="cpu", budget=budget)
        clips = sorted((data / "test").rglob("*.mp4"))
        answers = [model.classify(clip) for clip in clips]
        right = [answer.label == clip.parent.name for answer, clip in zip(answers, clips, strict=True)]
        return (
            float(np.mean(right)),
            float(np.mean([answer.gmacs for answer in answers])),
            float(np.mean([answer.gmacs_uniform for answer in answers])),
        )

    return classify
