"""Study files: recipes that differ in a few keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adaframe import bundled
from adaframe.config import Data
from adaframe.errors import UsageError
from adaframe.training.selection.study import Variant, read_study, with_keys

BASE = """
model:
  looks:
    - {name: look-32, pixels: 32, backbone: tiny-2, weights: none}
  head: {width: 8, dropout: 0.1}
data: {flip: false, workers: 3}
train: {batch_size: 5}
"""
PLACES = Data(root="clips", manifest="clips.csv", cache="kept", workers=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def study(folder: Path, variants: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(f"base: base.yaml\nvariants:\n{variants}")
    return path


def test_a_variant_is_its_base_but_for_the_keys_that_it_sets(folder: Path) -> None:
    path = study(folder, "- name: plain\n- name: other\n  set: {model.head.dropout: 0.2, train.mixup: 0.4}\n")

    plain, other = read_study(path, PLACES)

    assert (plain.name, other.name) == ("plain", "other")
    assert other.config.model.head == replace(plain.config.model.head, dropout=0.2)
    assert other.config.train == replace(plain.config.train, mixup=0.4)
    assert plain.config.train.batch_size == 5
    assert plain.config.data == replace(PLACES, flip=False)


def test_a_key_changes_with_the_recipe_but_not_with_places(folder: Path) -> None:
    path = study(folder, "- name: plain\n- name: same\n- name: other\n  set: {train.lr: 0.01}\n")

    plain, same, other = read_study(path, PLACES)
    moved = read_study(path, Data(root="elsewhere", manifest="its.csv", cache="other"))[0]

    assert plain.key == same.key == moved.key
    assert plain.key != other.key
    assert Variant("any", replace(plain.config, seed=1)).key != plain.key


def test_with_keys_leaves_what_it_was_given_as_it_is() -> None:
    plain = {"train": {"lr": 1.0, "stages": {"warmup": 2}}, "budget": 0.5}

    changed = with_keys(plain, {"train.stages.joint": 3, "seed": 7})

    assert changed == {"train": {"lr": 1.0, "stages": {"warmup": 2, "joint": 3}}, "budget": 0.5, "seed": 7}
    assert plain == {"train": {"lr": 1.0, "stages": {"warmup": 2}}, "budget": 0.5}


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ("- name: a\n- name: a\n", "another one of the name 'a'"),
        ("- {set: {train.lr: 1.0}}\n", r"variants\[0\]: has a name"),
        ("- {name: a, sets: {}}\n", r"variants\[0\]: has a name"),
        ("- {name: a, set: 3}\n", "a: set needs keys with values"),
        ("- {name: a, set: {train.lrr: 1.0}}\n", "a: train: unknown key 'lrr'"),
        ("- {name: a, set: {train.lr: fast}}\n", "a: train.lr: must be a number"),
        ("- {name: a, set: {train.lr: -1.0}}\n", "a: train.lr: must be above 0"),
        ("", "a study has two keys"),
    ],
)
def test_a_mistake_is_named_with_its_place(folder: Path, variants: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"study.yaml: {said}|study.yaml: variants.*{said}"):
        read_study(study(folder, variants), PLACES)


def test_the_study_that_comes_along_is_sound() -> None:
    path = Path(bundled.__file__).parents[1] / "configs" / "small-data-study.yaml"

    first, *others = read_study(path, PLACES)

    assert first.name == "present"
    assert len({variant.key for variant in (first, *others)}) == 1 + len(others) > 5


def test_a_base_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"base\.yaml: cannot be read"):
        read_study(study(tmp_path, "- name: a\n"), PLACES)
