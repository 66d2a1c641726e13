"""Baselines get what the policy gets, and what is timed is what is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import adaframe
from adaframe.config import Head, Policy
from adaframe.evaluation import evaluate as module
from adaframe.evaluation import looking
from adaframe.evaluation.evaluate import evaluate
from adaframe.evaluation.timing import Timed
from adaframe.model.packing import Packed

MakeCheckpoint = Callable[..., Path]
NumbersOf = Callable[..., dict[str, Any]]
Run = tuple[dict[str, Any], Path]  # the JSON and the report's folder, see conftest.py
RowOf = Callable[[str], dict[str, Any]]
BUDGETS = (0.2, 0.6)


def test_every_kind_of_baseline_is_there(run: Run) -> None:
    names = [one["name"] for one in run[0]["methods"]]

    assert len(set(names)) == len(names)
    expected = {"adaptive at 0.2", "adaptive at 0.6", "uniform, same weights", "uniform, trained alone"}
    expected |= {f"{kind} at {budget}" for kind in ("random", "change rule") for budget in BUDGETS}
    expected |= {"glance", "glance on 2 of 4", "glance on 1 of 4", "static look-16"}
    expected |= {f"static {look} on {n} of 4" for look in ("look-32", "look-16") for n in (1, 2)}
    assert expected <= set(names)
    assert run[0]["videos"] == 10
    assert run[0]["reference"] in ("uniform, same weights", "uniform, trained alone")


def test_uniform_looks_at_everything_without_a_glance(row_of: RowOf) -> None:
    row = row_of("uniform, same weights")

    assert row["of_uniform"]["value"] == pytest.approx(1)
    assert {name for name, share in row["actions"].items() if share} == {"look-32"}


def test_baselines_of_equal_cost_are_not_starved(run: Run, tiny_checkpoint: Path, row_of: RowOf) -> None:
    costs = adaframe.load(tiny_checkpoint).metadata.costs
    look = (costs.looks[0] + costs.project[0]) / 1e9
    static = [one for one in run[0]["methods"] if one["name"].startswith("static look-32 on")]
    for budget in BUDGETS:
        adaptive = row_of(f"adaptive at {budget}")["gmacs"]
        for kind in ("random", "change rule"):
            # All ten clips together: to within half a look.
            assert row_of(f"{kind} at {budget}")["gmacs"] == pytest.approx(adaptive, abs=look / 10 / 2 + 1e-15)
        windows = 12 / 10  # of a clip; each has a look more than would do, at most
        assert any(adaptive <= one["gmacs"] <= adaptive + windows * look for one in static)


def test_the_time_is_that_of_a_video_not_of_a_window(
    data: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, numbers_of: NumbersOf
) -> None:
    monkeypatch.setattr(module, "time_methods", lambda methods: [5.0 for _ in methods])

    numbers = numbers_of(tiny_checkpoint, root=str(data))

    assert numbers["methods"][0]["model_ms"] == pytest.approx(5 * 12 / 10)  # ten clips of twelve windows


def test_what_is_timed_is_what_is_counted(
    data: Path, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = adaframe.load(tiny_checkpoint).metadata.costs
    macs_of_picture = {32: costs.looks[0], 16: costs.looks[1], 8: costs.glance}
    executed: list[int] = []

    def count(layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(layer, (torch.nn.Conv2d, Packed)) and layer.weight.shape[1] == 3:  # a backbone begins
            executed[-1] += len(inputs[0]) * macs_of_picture[inputs[0].shape[-1]]

    def run_once(methods: list[Timed]) -> list[float]:
        for one in methods:
            executed.append(0)
            with torch.inference_mode():
                one.run()
        return [1.0] * len(methods)

    monkeypatch.setattr(module, "time_methods", run_once)
    monkeypatch.setattr(looking, "TIMED_WINDOWS", 100)  # all of them
    hook = torch.nn.modules.module.register_module_forward_pre_hook(count)
    try:
        out = tmp_path / "a.json"
        executed.append(0)  # while the clips are looked at
        evaluate(
            checkpoint=str(tiny_checkpoint),
            root=str(data),
            budgets=BUDGETS,
            baselines=True,
            json_path=str(out),
            device="cpu",
            workers=1,
        )
    finally:
        hook.remove()

    rows = json.loads(out.read_text())["methods"]
    counted = []
    for row in rows:
        # Ten clips of twelve windows of four frames; the projections and the policy's steps are no pictures.
        seen = round(48 * sum(row["actions"].get(name, 0) for name in ("look-32", "look-16", "glance")))
        steps = 48 if row["name"].startswith("adaptive") else 0
        counted.append(round(row["gmacs"] * 1e10) - 12 * costs.head - seen * costs.project[0] - steps * costs.policy)
    assert sorted(executed[1:]) == sorted(counted)
    assert len(set(counted)) > 5


@pytest.mark.parametrize(
    "parts",
    [
        {"head": Head(width=0)},  # features are only normalised: nothing projects them
        {"policy": Policy(project=4, hidden=4, skips=())},
    ],
    ids=["no-projection", "no-skips"],
)
def test_baselines_of_models_of_other_make(
    data: Path, make_checkpoint: MakeCheckpoint, parts: dict[str, Any], numbers_of: NumbersOf
) -> None:
    checkpoint = make_checkpoint(f"other-{'-'.join(parts)}", parts=parts)

    numbers = numbers_of(checkpoint, root=str(data), baselines=True)

    assert {"uniform, same weights", "random at 1", "static look-32 on 1 of 4", "glance"} <= {
        one["name"] for one in numbers["methods"]
    }
