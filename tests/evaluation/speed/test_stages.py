"""Answers in stages. The tiny model samples 4 frames: it knows one after the first stage, then two, then all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import adaframe
from adaframe.evaluation.speed.stages import RULES, answers, coarse_to_fine, recognise_in_stages, staged
from adaframe.evaluation.views import View
from adaframe.inference.recognizer import Recognizer
from adaframe.model.network import Clips

BETA = 1.0


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Recognizer:
    return adaframe.load(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="module")
def clips() -> Clips:
    """Forty windows of random patches; the last ones have but 3, 2 and 1 frames."""
    patches = torch.randint(0, 256, (40, 4, 4, 4, 3), generator=torch.Generator().manual_seed(7), dtype=torch.uint8)
    lengths = torch.tensor([4] * 37 + [3, 2, 1])
    crops = patches.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    return Clips(crops, torch.arange(4) < lengths[:, None], torch.arange(4).repeat(40, 1) / 4)


@pytest.fixture(scope="module")
def view(model: Recognizer, clips: Clips) -> View:
    with torch.inference_mode():
        features = model.network.all_features(clips)
    windows = torch.arange(len(clips.valid))
    return View(model, features, clips.valid, clips.times_s, torch.zeros(40, 4), windows, clips.crops[:1])


def bias(model: Recognizer) -> Tensor:
    return -BETA * torch.tensor(model.network.costs.price(model.network.actions))[None]


@pytest.mark.parametrize(
    ("frames", "known"),
    [
        (8, [[0, 4], [0, 2, 4, 6], [0, 1, 2, 3, 4, 5, 6, 7]]),
        (5, [[0, 4], [0, 2, 4], [0, 1, 2, 3, 4]]),
        (2, [[0], [0, 1]]),
        (1, [[0]]),
    ],
)
def test_stages_go_from_coarse_to_fine(frames: int, known: list[list[int]]) -> None:
    assert [stage.tolist() for stage in coarse_to_fine(frames)] == known


def test_the_answer_after_the_last_stage_is_the_models_own(model: Recognizer, clips: Clips, view: View) -> None:
    with torch.inference_mode():
        own, decisions = model.network.recognise(clips, bias=bias(model))
    assert len(set(decisions.actions.flatten().tolist())) > 2  # the policy has opinions

    assert torch.allclose(staged(view, BETA).scores[:, -1], own, atol=1e-4)


def test_the_answer_after_a_stage_knows_nothing_of_later_frames(model: Recognizer, clips: Clips, view: View) -> None:
    few = Clips(clips.crops[:, [0, 2]], clips.valid[:, [0, 2]], clips.times_s[:, [0, 2]])
    with torch.inference_mode():
        own, _ = model.network.recognise(few, bias=bias(model))

    assert torch.allclose(staged(view, BETA).scores[:, 1], own, atol=1e-4)


def test_what_stages_share_is_counted_once(model: Recognizer, view: View) -> None:
    costs = model.network.costs
    parts = [answers(view, frames, BETA) for frames in coarse_to_fine(4)]
    found = staged(view, BETA).macs

    # Given a window of 4 frames for which all passes chose the same looks, there is no more than three policies and heads.
    same = (parts[0].seen == parts[2].seen[:, :1]).all(dim=(1, 2))
    same &= (parts[1].seen == parts[2].seen[:, ::2]).all(dim=(1, 2)) & view.valid.all(dim=1)
    assert 0 < same.sum() < 37
    extra = costs.policy * (1 + 2) + 2 * costs.head
    assert torch.allclose(found[same, 2], parts[2].macs[same] + extra, rtol=1e-12)
    # Where a look was not wanted in the end, it has been computed all the same.
    assert (found[~same & view.valid.all(dim=1), 2] > parts[2].macs[~same & view.valid.all(dim=1)] + extra).any()
    assert torch.equal(found[:, 0], parts[0].macs)
    assert (found.diff(dim=1) > 0).all()


@pytest.mark.parametrize("lasting", [1, 2, 3, 0], ids=["one stage", "two stages", "three stages", "each its own"])
def test_what_is_executed_is_what_was_counted(
    model: Recognizer, clips: Clips, view: View, lasting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, expected = model.network, staged(view, BETA)
    ends = torch.full((40,), lasting) if lasting else 1 + torch.arange(40) % 3
    frames = count_frames(network.glance, monkeypatch), *(count_frames(look, monkeypatch) for look in network.looks)
    waiting = [torch.arange(40)]

    def settled(now: Tensor, before: Tensor | None) -> Tensor:
        here = len(waiting)
        end = ends[waiting[-1]] <= here
        assert (before is None) == (here == 1)
        waiting.append(waiting[-1][~end])
        return end

    scores, stages = recognise_in_stages(network, clips, settled, bias=bias(model))

    at = (torch.arange(40), ends - 1)
    assert stages.tolist() == ends.tolist()
    assert torch.allclose(scores, expected.scores[at], atol=1e-4)
    costs = network.costs
    # Backbones alone: what else was counted is taken off.
    counted = expected.macs[at].sum() - costs.head * ends.sum()
    for stage, known in enumerate(coarse_to_fine(4), 1):
        counted -= costs.policy * view.valid[ends >= stage][:, known].sum()
    seen = torch.zeros(40, 4, 3, dtype=torch.bool)
    for stage, known in enumerate(coarse_to_fine(4), 1):
        seen[:, known] |= answers(view, known, BETA).seen & (ends >= stage)[:, None, None]
    counted -= (seen.sum(dim=(0, 1)) * torch.tensor(costs.project)).sum()
    backbones = sum(f[0] * macs for f, macs in zip(frames, (costs.glance, *costs.looks), strict=True))
    assert backbones == pytest.approx(float(counted))


def count_frames(backbone: nn.Module | None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures a backbone gets from now on."""
    assert backbone is not None
    seen, forward = [0], backbone.forward

    def counting(pictures: Tensor) -> Tensor:
        seen[0] += len(pictures)
        found: Tensor = forward(pictures)
        return found

    monkeypatch.setattr(backbone, "forward", counting)
    return seen


@pytest.mark.parametrize(
    ("rule", "multi_label", "settled"),
    [
        ("confidence", False, [0.7, 0.5]),
        ("margin", False, [0.5, 0.1]),
        ("unchanged", False, [1.0, 0.0]),
        ("confidence", True, [0.7, 0.5]),
        ("margin", True, [0.4, 0.0]),
        ("unchanged", True, [1.0, 0.0]),
    ],
)
def test_rules_say_how_settled_an_answer_is(rule: str, multi_label: bool, settled: list[float]) -> None:
    now = np.array([[0.7, 0.2, 0.1], [0.5, 0.1, 0.4]])
    before = np.array([[0.6, 0.1, 0.3], [0.3, 0.6, 0.1]])

    assert RULES[rule](now, before, multi_label) == pytest.approx(settled)


def test_after_the_first_stage_nothing_is_unchanged() -> None:
    rule: Callable[..., np.ndarray] = RULES["unchanged"]

    assert rule(np.array([[0.9, 0.1]]), None, False).tolist() == [0.0]
