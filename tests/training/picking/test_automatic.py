"""Training without a configuration, on clips as people have them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from adaframe.cli.main import main
from adaframe.config_io import read_yaml
from adaframe.model.metadata import read_metadata

_spec = importlib.util.spec_from_file_location("odd_folder", Path(__file__).parents[1] / "odd_folder.py")
assert _spec is not None
assert _spec.loader is not None
odd = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(odd)


@pytest.mark.slow
def test_a_folder_of_odd_clips_becomes_a_model_and_a_report_without_a_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd.odd_folder(tmp_path / "clips", clips=40, damaged=4)
    out = tmp_path / "run"

    code = main(["train", "--data.root", str(tmp_path / "clips"), "--out", str(out), "--device", "cpu"])
    said = capsys.readouterr().err
    resumed = main(["train", "--resume", "--out", str(out)])

    assert (code, resumed) == (0, 0)
    assert "44 clips of 5 classes; picked for them, as there is no --config:" in said
    assert "rare classes count more in the loss" in said
    assert "will take roughly" in said
    assert len((out / "bad_clips.txt").read_text().splitlines()) == 4
    metadata = read_metadata(out / "model.safetensors")
    assert set(metadata.classes) == set(odd.SHARES)
    config = read_yaml(out / "config.yaml")
    assert config["train"]["balance"] == "loss"
    assert config["train"]["head_penalty"] > 0
    # Clips were held out, and the model beats chance and the commonest class on them by far.
    best = max(point.accuracy for point in metadata.calibration)
    assert best >= 0.7
    clip = next((tmp_path / "clips" / "stripes turn").glob("clip*.mp4"))
    assert main(["classify", str(clip), "--checkpoint", str(out / "model.safetensors")]) == 0
    assert "stripes turn" in capsys.readouterr().out


def test_a_second_run_into_the_same_folder_is_refused_before_any_clip_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "last.ckpt").write_bytes(b"learnt")

    code = main(["train", "--data.root", str(tmp_path / "none"), "--out", str(tmp_path / "out")])

    assert code == 2
    assert "holds a run already" in capsys.readouterr().err
