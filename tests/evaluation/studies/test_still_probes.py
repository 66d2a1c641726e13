"""What there is to find in still scenes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from adaframe.errors import DataError
from adaframe.evaluation.studies import still_probes
from adaframe.evaluation.studies.still_frames import Film, Videos, choices, films_of
from adaframe.evaluation.studies.still_probes import change_finds, looks, roc_areas, shows, table, worth
from adaframe.model.actions import Actions, Decisions

FRAMES, WIDTH = 16, 4


def videos(n: int = 80) -> Videos:
    """Two frames of each show the event, whose first feature tells that, and whose second tells the label; they change most."""
    random = np.random.default_rng(0)
    films, labels = [], np.arange(n) % 2
    for label in labels:
        event = np.zeros(FRAMES, dtype=bool)
        event[random.integers(FRAMES - 1) + np.arange(2)] = True
        features = random.normal(0, 1, (FRAMES, WIDTH)).astype(np.float32)
        features[event, 0] += 6
        features[event, 1] += 6 * label - 3
        change = random.random(FRAMES) + 2 * event
        films.append(Film({"look": torch.from_numpy(features * 30)}, event, change))
    folds, groups = np.array(["1", "2"]).repeat(n // 2), tuple(str(i // 4) for i in range(n))
    return Videos(tuple(films), np.eye(2, dtype=np.float32)[labels], folds, groups)


def test_areas_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    scores, positive = random.integers(0, 9, 60).astype(float), random.random(60) < 0.3  # many are equal
    weights = random.integers(0, 4, (5, 60)).astype(float)

    areas = roc_areas(scores, positive, weights)

    assert areas == pytest.approx([roc_auc_score(positive, scores, sample_weight=row) for row in weights])


def test_frames_are_chosen_as_they_are_named() -> None:
    found = choices(videos())

    of_first = {name: masks[0] for name, masks in found.items()}
    event = videos().films[0].event
    assert of_first["all frames"].all()
    assert (of_first["the event's frames alone"] == event).all()
    assert (of_first["all but the event's"] == ~event).all()
    assert {name: int(mask.sum()) for name, mask in of_first.items() if name.startswith(("4", "the 4"))} == {
        "the 4 that changed most": 4,
        "4 at random": 4,
        "4 evenly spread": 4,
    }
    assert np.flatnonzero(of_first["4 evenly spread"]).tolist() == [2, 6, 10, 14]


def test_what_is_told_by_the_event_alone_is_worth_the_choice() -> None:
    found = {figure.name: figure for figure in worth(videos(), "look")}

    assert found["the event's frames alone"].value.value > 0.9
    assert found["all but the event's"].value.value < 0.7
    assert found["all frames"].against_first is None
    assert found["the event's frames alone"].against_first is not None


def test_the_probe_sees_the_event_where_a_frame_shows_it() -> None:
    one, changes = shows(videos(), "look")

    assert one.value.value > 0.95
    assert changes.name == "look and its change"


def test_change_is_counted_against_the_event() -> None:
    precision, found = change_finds(videos())

    assert precision.value.value == pytest.approx(0.5)  # two of the four that changed most
    assert found.value.value == pytest.approx(1.0)


def test_looks_are_counted_on_the_videos_of_a_models_own_fold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two frames of each of four videos are looked at: of fold 1 both on the event, of fold 2 none."""
    event = np.array([True, True, False, False])
    films = tuple(Film({}, event, np.zeros(4)) for _ in range(4))
    all_videos = Videos(films, np.eye(2, dtype=np.float32)[[0, 1, 0, 1]], np.array(["1", "2", "1", "2"]), tuple("abcd"))
    actions = Actions(("look",), False, (1,))

    def load(path: Path) -> tuple[Any, Any]:
        row = torch.tensor([0, 0, 1, 1] if path.parent.name == "fold-1" else [1, 1, 0, 0])

        def decide(glances: object, valid: torch.Tensor, bias: torch.Tensor) -> Decisions:
            return Decisions(row.repeat(len(valid), 1), valid, valid, valid, actions)

        return SimpleNamespace(price=(1.0, 0.0), decide=decide), SimpleNamespace(beta_for=lambda budget: 0.0)

    monkeypatch.setattr(still_probes, "load_network", load)
    material: Any = SimpleNamespace(
        readable=[0, 1, 2, 3],
        config=SimpleNamespace(budget=0.5, model=SimpleNamespace(sampling=SimpleNamespace(frames=4))),
        batches=lambda network, clips: [SimpleNamespace(features=None, valid=torch.ones(len(clips), 4).bool())],
    )

    on_event, of_event = looks(material, all_videos, tmp_path)

    assert on_event.value.value == pytest.approx(0.5)
    assert of_event.value.value == pytest.approx(0.5)


def test_a_run_whose_backbones_learn_is_refused() -> None:
    material: Any = SimpleNamespace(features=None, cache=None)

    with pytest.raises(DataError, match="no frozen features"):
        films_of(material, ("look",), {})


def test_the_table_gives_intervals_and_differences() -> None:
    text = table("accuracy from", worth(videos(), "look"))

    header, _, first, second, *_ = text.splitlines()
    assert "against the first" in header
    assert "%" in first
    assert second.count("[") == 2
