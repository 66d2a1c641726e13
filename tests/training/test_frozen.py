"""The linear baseline on frozen features, beside scikit-learn's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from adaframe.config import Model, Sampling
from adaframe.errors import DataError
from adaframe.training.feeding.features import FrozenFeatures
from adaframe.training.frozen import frozen_linear

FRAMES, WIDTH = 4, 20


class Cache:
    """Four candidates a clip, of which the third clip has only two."""

    def times_s(self, clip: int) -> np.ndarray:
        return np.arange(2 if clip == 2 else FRAMES) / 4

    def spans_s(self, clip: int) -> np.ndarray:
        return np.array([[0.0, len(self.times_s(clip)) / 4]])


def material(classes: int, *, clips: int = 60, multi_label: bool = False) -> tuple[Any, dict[str, np.ndarray]]:
    rng = np.random.default_rng(classes)
    labels = rng.integers(classes, size=clips)
    centres = rng.normal(0, 1.5, (classes, WIDTH))
    values = {}
    for n, label in enumerate(labels):
        frames = centres[label] + rng.normal(0, 2 + label, (1, len(Cache().times_s(n)), WIDTH))
        values[f"strong/{n}"] = frames.astype(np.float16)
        values[f"weak/{n}"] = rng.normal(0, 1, frames.shape).astype(np.float16)
        values[f"glance/{n}"] = rng.normal(0, 1, frames.shape).astype(np.float16)
    targets = np.eye(classes, dtype=np.float32)[labels]
    if multi_label:
        targets[:, 0] = rng.random(clips) < 0.5
    features = FrozenFeatures(values, ("weak", "strong", "glance"), Cache(), Model(sampling=Sampling(FRAMES)))  # type: ignore[arg-type]
    fake = SimpleNamespace(
        features=features,
        targets=targets,
        source=lambda network: features,
        data_set=SimpleNamespace(multi_label=multi_label),
    )
    return fake, values


def network() -> Any:
    uniform = lambda frames: frames.double() * 100 + 10  # noqa: E731
    return SimpleNamespace(
        costs=SimpleNamespace(strongest=1, uniform=uniform), actions=SimpleNamespace(looks=("weak", "strong"))
    )


def summaries(values: dict[str, np.ndarray], clips: range) -> np.ndarray:
    """Means, and means of absolute differences of successive frames, of the strongest look."""
    rows = []
    for n in clips:
        frames = values[f"strong/{n}"][0].astype(np.float64)
        rows.append(np.concatenate([frames.mean(axis=0), np.abs(np.diff(frames, axis=0)).mean(axis=0)]))
    return np.stack(rows)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_agrees_with_a_logistic_regression_of_scikit_learn(classes: int) -> None:
    fake, values = material(classes)
    learnt, held_out = range(40), range(40, 60)

    found = frozen_linear(fake, network(), list(learnt), list(held_out))

    scale = StandardScaler().fit(summaries(values, learnt))
    reference = LogisticRegression(C=1e-3, max_iter=5000, tol=1e-8)
    reference.fit(scale.transform(summaries(values, learnt)), fake.targets[:40].argmax(axis=1))
    expected = reference.predict_proba(scale.transform(summaries(values, held_out)))
    np.testing.assert_allclose(found.scores, expected, atol=1e-2)
    assert np.ptp(expected[:, 0]) > 0.1
    assert found.right.mean() == (expected.argmax(axis=1) == fake.targets[40:].argmax(axis=1)).mean() > 1 / classes


def test_several_labels_are_a_regression_each() -> None:
    fake, values = material(3, multi_label=True)

    found = frozen_linear(fake, network(), list(range(40)), list(range(40, 60)))

    scale = StandardScaler().fit(summaries(values, range(40)))
    for k in range(3):
        reference = LogisticRegression(C=1e-3, max_iter=5000, tol=1e-8)
        reference.fit(scale.transform(summaries(values, range(40))), fake.targets[:40, k])
        expected = reference.predict_proba(scale.transform(summaries(values, range(40, 60))))[:, 1]
        np.testing.assert_allclose(found.scores[:, k], expected, atol=1e-2)


def test_its_cost_is_that_of_every_frame_through_the_strongest_look() -> None:
    fake, _ = material(2)

    found = frozen_linear(fake, network(), list(range(3, 60)), [0, 1, 2])

    assert found.clips.tolist() == [0, 1, 2]
    assert found.cost.tolist() == [1, 1, 1]
    np.testing.assert_allclose(found.gmacs * 1e9, [410, 410, 210])  # the last has two frames
    assert found.actions == {"strong": 1.0}


def test_a_feature_that_never_changes_is_harmless() -> None:
    fake, values = material(2)
    for name in values:
        values[name][..., 3] = 7

    found = frozen_linear(fake, network(), list(range(40)), list(range(40, 60)))

    assert np.isfinite(found.scores).all()
    assert torch.tensor(found.scores).sum(dim=1).allclose(torch.ones(20))


def test_without_frozen_features_it_says_so() -> None:
    fake, _ = material(2)
    fake.features = None

    with pytest.raises(DataError, match="needs frozen features"):
        frozen_linear(fake, network(), [0, 1], [2])
