"""How strongly the head is held down."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from adaframe.config import Config
from adaframe.data.manifest import Clip
from adaframe.training.picking import penalty


def material(monkeypatch: pytest.MonkeyPatch, signal: float, *, clips: int = 60, features: int = 40) -> Any:
    """Clips whose first feature tells the class, the other features being noise; the signal's strength is given."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(clips) % 2
    x = torch.randn(clips, features, generator=generator)
    x[:, 0] += signal * (2 * label - 1)
    y = torch.nn.functional.one_hot(label).float()
    monkeypatch.setattr(penalty, "summaries", lambda material, network, numbers, look: (x[numbers], y[numbers]))
    data_set = SimpleNamespace(clips=[Clip(f"{n}.mp4", ("ab"[n % 2],)) for n in range(clips)], multi_label=False)
    return SimpleNamespace(features=object(), data_set=data_set)


NETWORK: Any = SimpleNamespace(costs=SimpleNamespace(strongest=0))


def picked(material: Any, learnt: list[int]) -> float | None:
    from dataclasses import replace

    config = replace(Config(), train=replace(Config().train, head_penalty=None))
    return penalty.with_penalty(config, material, NETWORK, learnt).train.head_penalty


def test_noise_is_held_down_more_than_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = list(range(60))

    noise = picked(material(monkeypatch, 0.0), clips)
    signal = picked(material(monkeypatch, 4.0), clips)

    assert noise == penalty.PENALTIES[0]
    assert signal is not None
    assert noise is not None
    assert signal < noise


def test_only_the_clips_that_are_learnt_from_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    given = material(monkeypatch, 1.0)
    asked: list[int] = []
    inner = penalty.summaries

    def watch(material: Any, network: Any, numbers: list[int], look: int) -> Any:
        asked.extend(numbers)
        return inner(material, network, numbers, look)

    monkeypatch.setattr(penalty, "summaries", watch)

    picked(given, list(range(20, 60)))

    assert set(asked) == set(range(20, 60))


def test_a_given_penalty_stays_and_backbones_that_learn_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given = material(monkeypatch, 1.0)
    learning = SimpleNamespace(features=None, data_set=given.data_set)

    assert penalty.with_penalty(Config(), given, NETWORK, [0, 1]) == Config()
    assert picked(learning, [0, 1]) == 0.0
