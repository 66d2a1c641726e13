"""Configurations to plain values and back: strict about types, helpful about mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adaframe.config import Config, Glance, Head, Look, Model, Policy, Sampling
from adaframe.config_io import config_from_dict, from_dict, read_layered, read_yaml, to_dict, to_yaml
from adaframe.errors import UsageError

CONFIG = Config(
    model=Model(
        glance=Glance(32, "tiny-4", "none"),
        looks=(Look("look-64", 64, "tiny-8", "none"), Look("look-48", 48, "tiny-8", "none", shares="look-64")),
        policy=Policy(skips=(2,)),
        sampling=Sampling(8, 2.0),
        scope="Größe: 5 % ‘quoted’",
    ),
    budget=0.25,
    fold="3",
)


def test_a_configuration_survives_json() -> None:
    assert config_from_dict(json.loads(json.dumps(to_dict(CONFIG)))) == CONFIG


def test_a_configuration_survives_a_yaml_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(CONFIG), encoding="utf-8")

    assert config_from_dict(read_yaml(path)) == CONFIG


def test_a_part_survives_alone() -> None:
    assert from_dict(Model, to_dict(CONFIG.model)) == CONFIG.model


def test_what_is_left_out_keeps_its_default() -> None:
    assert config_from_dict({"train": {"lr": 0.5}}).train.batch_size == Config().train.batch_size
    assert from_dict(Head, {}) == Head()


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "0.001", "1.0e-3", ".001", "+1e-3"])
def test_numbers_may_be_written_as_people_write_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"train: {{lr: {text}}}")

    assert config_from_dict(read_yaml(path)).train.lr == 0.001


def test_whole_numbers_do_for_numbers_and_for_names() -> None:
    config = config_from_dict({"budget": 1, "fold": 3})

    assert config.budget == 1.0
    assert isinstance(config.budget, float)
    assert config.fold == "3"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"bugdet": 0.5}, r"unknown key 'bugdet' \(did you mean 'budget'\?\); known: model, data, train, budget"),
        ({"train": {"learnrate": 1.0}}, r"^train: unknown key 'learnrate'; known: stages, batch_size, lr"),
        ({"model": {"looks": [{"pixels": 3}]}}, r"^model\.looks\[0\]: the key 'name' is missing"),
        ({"model": {"looks": [{"name": "a", "pixels": 3, "pixel": 4}]}}, r"model\.looks\[0\]: unknown key 'pixel'"),
        ({"model": {"looks": {"name": "a"}}}, r"model\.looks: must be a list, not keys with values"),
        ({"model": {"glance": {"pixels": 8.5}}}, r"^model\.glance\.pixels: must be a whole number, not 8\.5"),
        ({"model": {"glance": {"pixels": True}}}, r"^model\.glance\.pixels: must be a whole number, not True"),
        ({"model": {"glance": {"answers": 1}}}, r"^model\.glance\.answers: must be true or false, not 1"),
        ({"model": {"policy": {"skips": [1, "2"]}}}, r"^model\.policy\.skips\[1\]: must be a whole number, not '2'"),
        ({"model": {"preprocess": {"fit": "crp"}}}, r"fit: must be one of crop, squash, not 'crp'"),
        ({"train": {"temperature": [1.0]}}, r"^train\.temperature: must be a list of 2 values, not of 1"),
        ({"train": {"lr": "fast"}}, r"^train\.lr: must be a number, not 'fast'"),
        ({"train": 3}, r"^train: needs keys with values, not 3"),
        ({"budget": None}, r"^budget: must be a number, not nothing"),
        ({"policy": False}, r"^policy: must be text, not False; write it in quotes"),
        ({3: 4}, r"unknown key '3'"),
    ],
)
def test_a_mistake_is_named_with_its_place(data: dict[Any, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        config_from_dict(data)


def test_the_place_starts_with_the_file() -> None:
    with pytest.raises(UsageError, match=r"^configs/a\.yaml: train\.lr: must be a number"):
        config_from_dict({"train": {"lr": "x"}}, where="configs/a.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1", r"a\.yaml, line 1: is not valid YAML"),
        (b"- 1", r"a\.yaml: holds a list of 1, not keys with values"),
        (b"\xff\xfe\x00", r"a\.yaml: is not text in UTF-8"),
        (b"a: \x00", r"a\.yaml: is not valid YAML"),
        (b"a: !!python/object/apply:os.system ['true']", r"is not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=message):
        read_yaml(path)


def test_an_empty_file_is_an_empty_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# nothing yet\n")

    assert config_from_dict(read_yaml(tmp_path / "a.yaml")) == Config()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read \(No such file"):
        read_yaml(tmp_path / "none.yaml")


def test_a_file_says_what_it_changes_in_its_base(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "first.yaml").write_text("train: {lr: 0.1, clip: 5}\nlist: [1, 2]\n")
    (tmp_path / "deep" / "second.yaml").write_text("base: ../first.yaml\ntrain: {lr: 0.2}\nlist: [3]\n")
    (tmp_path / "third.yaml").write_text("base: deep/second.yaml\nseed: 4\n")

    found = read_layered(tmp_path / "third.yaml")

    assert found == {"train": {"lr": 0.2, "clip": 5}, "list": [3], "seed": 4}


@pytest.mark.parametrize(
    ("base", "says"),
    [("none.yaml", "none.yaml: cannot be read"), ("a.yaml", "comes up twice"), ("[1]", "must be the name of a file")],
)
def test_a_base_that_cannot_be_is_named(tmp_path: Path, base: str, says: str) -> None:
    (tmp_path / "a.yaml").write_text(f"base: {base}\n")

    with pytest.raises(UsageError, match=says):
        read_layered(tmp_path / "a.yaml")
