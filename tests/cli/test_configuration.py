"""The flags of `adaframe train`: defaults, then the file, then the flags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adaframe import bundled
from adaframe.cli.configuration import parse_config, read_config
from adaframe.config import Config, Look
from adaframe.errors import UsageError

YAML = """
model:
  glance: {pixels: 16, backbone: tiny-4, weights: none}
  looks:
    - {name: look-64, pixels: 64, backbone: tiny-8, weights: none}
    - {name: look-32, pixels: 32, backbone: tiny-8, weights: none, shares: look-64}
  preprocess: {resize: 64, crop: 64}
train: {lr: 1e-2, batch_size: 4}
budget: 0.25
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(YAML)
    return tmp_path / "small.yaml"


def test_without_words_everything_is_default() -> None:
    assert parse_config([]) == (Config(), Path("runs/train"), False)


def test_a_file_fills_in_and_names_the_results(file: Path) -> None:
    config, out, _ = parse_config(["--config", str(file)])

    assert [look.name for look in config.model.looks] == ["look-64", "look-32"]
    assert isinstance(config.model.looks[1], Look)
    assert config.model.looks[1].shares == "look-64"
    assert (config.train.lr, config.train.batch_size, config.budget) == (0.01, 4, 0.25)
    assert config.train.weight_decay == Config().train.weight_decay
    assert out == Path("runs/small")


@pytest.mark.parametrize("first", ["file", "flags"])
def test_flags_win_over_the_file_wherever_they_stand(file: Path, first: str) -> None:
    words = [["--config", str(file)], ["--train.lr", "1e-3", "--budget=0.75"]]

    config, _, _ = parse_config([*words[0], *words[1]] if first == "file" else [*words[1], *words[0]])

    assert (config.train.lr, config.train.batch_size, config.budget) == (0.001, 4, 0.75)


def test_flags_of_every_kind(file: Path) -> None:
    words = (
        f"--config={file} --data.root DIR --data.manifest FILE --data.flip false --model.glance.pixels 32 "
        "--model.policy.skips [1,3] --train.temperature [3,1] --model.sampling.window_s 2 --train.compute fixed "
        "--policy static:look-32/4 --init a.safetensors --fold 3 --seed 7 --out DIR/x --resume --device cpu"
    )

    config, out, resume = parse_config(words.split())

    assert (config.data.root, config.data.manifest, config.data.flip) == ("DIR", "FILE", False)
    assert (config.model.glance.pixels, config.model.policy.skips) == (32, (1, 3))
    assert (config.train.temperature, config.model.sampling.window_s) == ((3.0, 1.0), 2.0)
    assert (config.train.compute, config.policy, config.init) == ("fixed", "static:look-32/4", "a.safetensors")
    assert (config.fold, config.seed, config.device, out, resume) == ("3", 7, "cpu", Path("DIR/x"), True)


def test_looks_may_be_given_as_a_flag() -> None:
    config, _, _ = parse_config(["--model.looks", '[{"name": "a", "pixels": 96}, {"name": "b", "pixels": 84}]'])

    assert config.model.looks == (Look("a", 96), Look("b", 84))


def test_a_window_may_be_none(file: Path) -> None:
    file.write_text("model: {sampling: {window_s: 2}}")

    config, _, _ = parse_config(["--config", str(file), "--model.sampling.window_s", "null"])

    assert config.model.sampling.window_s is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--train.lr fast", r"^--train\.lr: Expected a float\. Got value: fast"),
        ("--model.glance.pixels 3.5", r"^--model\.glance\.pixels: "),
        ("--model.preprocess.fit crp", r"^--model\.preprocess\.fit: .*'crop', 'squash'"),
        ("--train.temperature [3]", r"^--train\.temperature: "),
        ("--train.leraning_rate 3", r"^unknown option --train\.leraning_rate"),
        ("--budget 7", r"^budget: must be above 0 and at most 1.*; it is 7"),
        ("--policy unifrm", r"^policy: unknown value 'unifrm' \(did you mean 'uniform'\?\)"),
        ("--config", r"--config: expected one argument"),
    ],
)
def test_a_mistake_in_a_flag_is_named(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_config(words.split())

    assert len(str(caught.value).splitlines()) <= 3


def test_a_mistake_in_the_file_is_named_with_its_place(file: Path) -> None:
    file.write_text(YAML.replace("shares:", "share:"))

    with pytest.raises(
        UsageError, match=r"small\.yaml: model\.looks\[1\]: unknown key 'share' \(did you mean 'shares'"
    ):
        parse_config(["--config", str(file)])


def test_a_bundled_configuration_is_found_from_anywhere(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundled, "_PACKAGE", tmp_path / "adaframe")
    (tmp_path / "configs").mkdir()
    file.rename(tmp_path / "configs" / "small.yaml")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    for name in ("small", "small.yaml", "configs/small.yaml"):
        assert read_config(name).budget == 0.25
        assert parse_config(["--config", name])[1] == Path("runs/small")
    with pytest.raises(UsageError, match=r"no bundled file configs/smal\.yaml; known: small\.yaml"):
        read_config("smal")
    with pytest.raises(UsageError, match="there is no such configuration file"):
        read_config("deep/configs/small.yaml")


def test_a_file_of_that_name_comes_before_the_bundled_one(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundled, "_PACKAGE", tmp_path / "adaframe")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.yaml").write_text("budget: 0.9")
    monkeypatch.chdir(tmp_path)

    assert read_config("small.yaml").budget == 0.25
    assert read_config("configs/small.yaml").budget == 0.9


def test_a_configuration_changes_a_few_lines_of_its_base(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(f"base: {file.name}\ntrain: {{lr: 0.5}}\n")

    base, changed = read_config(str(file)), parse_config(["--config", str(tmp_path / "other.yaml")])[0]

    assert changed == replace(base, train=replace(base.train, lr=0.5))


CONFIGS = sorted((Path(bundled.__file__).parents[1] / "configs").rglob("*.yaml"))


# A study is a list of configurations: see tests/training/test_study.py.
@pytest.mark.parametrize(
    "path", [p for p in CONFIGS if p.parent.name != "hardware" and not p.stem.endswith("-study")], ids=lambda p: p.name
)
def test_every_configuration_that_comes_along_is_sound(path: Path) -> None:
    assert read_config(str(path)).model.looks
