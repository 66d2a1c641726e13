"""What a checkpoint says about itself."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from adaframe.config import Model, Sampling
from adaframe.errors import AdaframeError, CheckpointError
from adaframe.model.cost import Costs
from adaframe.model.metadata import CalibrationPoint, Metadata, read_metadata

CURVE = (
    CalibrationPoint(beta=0.0, cost=0.8, cost_stream=0.7, accuracy=0.9),
    CalibrationPoint(beta=1.0, cost=0.4, cost_stream=0.3, accuracy=0.85),
    CalibrationPoint(beta=3.0, cost=0.2, cost_stream=0.15, accuracy=0.7),
)


@pytest.fixture
def metadata(tiny: Model) -> Metadata:
    return Metadata(
        model=replace(tiny, scope="zwei Männer · two men"),
        plan="adaptive",
        classes=("fight", "no-fight", "Straße"),
        multi_label=False,
        costs=Costs(glance=8, policy=2, looks=(96, 27), project=(4, 3, 5), head=7),
        calibration=CURVE,
        budget=0.5,
        unsure_below=0.6,
        training={"seed": 3, "epochs": [1, 2], "data": {"clips": 100}, "lr": 1e-3},
    )


def write(path: Path, metadata: Metadata) -> Path:
    save_file({"x": torch.zeros(1)}, path, metadata={"adaframe": metadata.to_json()})
    return path


def test_metadata_survive_the_way_through_a_file(tmp_path: Path, metadata: Metadata) -> None:
    assert read_metadata(write(tmp_path / "m.safetensors", metadata)) == metadata


def test_what_the_budget_counts_survives_too(tmp_path: Path, metadata: Metadata) -> None:
    prices = Costs(0.5, 0.25, (3.0, 1.0), (0.0, 0.0), 2.0, (1.0, 0.5), 0, "latency", "a machine")
    priced = replace(metadata, prices=prices)

    read = read_metadata(write(tmp_path / "m.safetensors", priced))

    assert read.counted == prices
    assert read.costs == metadata.costs


def test_a_checkpoint_from_before_budgets_counted_anything_else_counts_macs(tmp_path: Path, metadata: Metadata) -> None:
    values = json.loads(metadata.to_json())
    del values["prices"]
    for key in ("starts", "uniform_look", "counted", "by"):
        del values["costs"][key]
    save_file({"x": torch.zeros(1)}, tmp_path / "old.safetensors", metadata={"adaframe": json.dumps(values)})

    read = read_metadata(tmp_path / "old.safetensors")

    assert read == metadata
    assert read.counted.counted == "macs"


def test_what_may_be_left_out_has_defaults(tmp_path: Path, metadata: Metadata) -> None:
    plain = replace(metadata, model=Model(sampling=Sampling(window_s=None)), calibration=(), training={})

    assert read_metadata(write(tmp_path / "m.safetensors", plain)) == plain


def test_metadata_are_read_without_torch(tmp_path: Path, metadata: Metadata) -> None:
    path = write(tmp_path / "m.safetensors", metadata)
    code = (
        "import sys; from adaframe.model.metadata import read_metadata; "
        f"print(len(read_metadata({str(path)!r}).classes), 'torch' in sys.modules)"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert out.split() == ["3", "False"]


def test_any_length_of_header_is_read(tmp_path: Path, metadata: Metadata) -> None:
    # The file begins with that length, whose first bytes may be those of a zip (PK) or of a pickle.
    for start in (b"PK", b"\x80\x02", b"\x80\x04"):
        length = int.from_bytes(start, "little") + (1 << 16)
        path = write(tmp_path / "m.safetensors", replace(metadata, training={"note": ""}))
        missing = length - int.from_bytes(path.read_bytes()[:8], "little")

        write(path, replace(metadata, training={"note": "x" * missing}))

        assert path.read_bytes()[:2] == start
        assert read_metadata(path).training == {"note": "x" * missing}


@pytest.mark.parametrize(
    ("budget", "beta"),
    [
        (1.0, 0.0),  # more than it spends without a bias
        (0.8, 0.0),  # on a point
        (0.4, 1.0),
        (0.2, 3.0),
        (0.6, 1.0),  # between points: the one that keeps to it
        (0.25, 3.0),
        (None, 1.0),  # the budget it was trained for, 0.5
    ],
)
def test_a_budget_is_a_place_on_the_curve(metadata: Metadata, budget: float | None, beta: float) -> None:
    assert metadata.beta_for(budget) == pytest.approx(beta)


def test_a_budget_below_the_floor_is_an_error_that_names_the_floor_and_a_budget_that_works(metadata: Metadata) -> None:
    with pytest.raises(
        AdaframeError, match=r"budget 0\.1 .* cost 0\.200 of uniform; try: --budget (0\.2[01])"
    ) as error:
        metadata.beta_for(0.1)

    suggested = str(error.value).partition("--budget ")[2].partition(",")[0]
    assert metadata.beta_for(float(suggested)) > 2.8


@pytest.mark.parametrize("floor", [0.1249, 0.125, 0.1251, 0.999, 0.3, 0.12])
def test_the_suggested_budget_is_never_below_the_floor(metadata: Metadata, floor: float) -> None:
    steep = replace(
        metadata, calibration=(CalibrationPoint(0.0, 1.5, 1.5, 0.9), CalibrationPoint(1.0, floor, floor, 0.5))
    )

    with pytest.raises(AdaframeError, match="try: --budget") as error:
        steep.beta_for(floor / 2)

    steep.beta_for(float(str(error.value).partition("--budget ")[2].partition(",")[0]))


def test_a_model_that_cannot_keep_to_its_own_budget_runs_at_its_floor(metadata: Metadata) -> None:
    assert replace(metadata, budget=0.05).beta_for(None) == 3.0


def test_without_a_curve_there_is_no_bias(metadata: Metadata) -> None:
    fixed = replace(metadata, calibration=(), plan="uniform")

    assert fixed.beta_for(0.01) == 0.0
    assert fixed.beta_for(None) == 0.0


def test_a_curve_that_is_not_monotonic_still_keeps_to_the_budget(metadata: Metadata) -> None:
    bumpy = replace(metadata, calibration=(CURVE[0], replace(CURVE[1], cost=0.9), CURVE[2]))

    assert bumpy.beta_for(0.55) == 3.0


def test_a_missing_file_a_folder_or_an_empty_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.safetensors").write_bytes(b"")

    for name, what in (
        ("none.safetensors", "cannot be read .No such file"),
        ("", "cannot be read .Is a directory"),
        ("empty.safetensors", "not an adaframe checkpoint"),
    ):
        with pytest.raises(CheckpointError, match=what) as error:
            read_metadata(tmp_path / name)
        assert str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize(
    "header",
    [
        b"hello world",
        b"[1, 2]",
        b"{",
        b'{"__metadata__": 5}',
        b'{"__metadata__": ["adaframe"]}',
        b"[" * 5000,
        b"\xff\xfe{}",
    ],
)
def test_a_file_with_another_header_is_not_an_adaframe_checkpoint(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "odd.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)

    with pytest.raises(CheckpointError, match=r"odd\.safetensors: .*not an adaframe checkpoint"):
        read_metadata(path)


def test_a_file_of_text_is_not_an_adaframe_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are my notes, nothing else. " * 20)

    with pytest.raises(CheckpointError, match=r"notes\.txt: not an adaframe checkpoint"):
        read_metadata(path)


def test_safetensors_of_somebody_else_are_not_an_adaframe_checkpoint(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "b.safetensors", metadata={"format": "pt"})

    for name in ("a.safetensors", "b.safetensors"):
        with pytest.raises(CheckpointError, match=f"{name}: safetensors, but not an adaframe checkpoint"):
            read_metadata(tmp_path / name)


def test_another_format_version_is_said(tmp_path: Path, metadata: Metadata) -> None:
    path = tmp_path / "old.safetensors"
    values = {**json.loads(metadata.to_json()), "format": "adaframe-0"}
    save_file({"x": torch.zeros(1)}, path, metadata={"adaframe": json.dumps(values)})

    with pytest.raises(CheckpointError, match=r"old\.safetensors: .*format adaframe-0, this one reads adaframe-1"):
        read_metadata(path)


@pytest.mark.parametrize("text", ["{", "5", "[]", '"x"', "{}", '{"format": "adaframe-1"}', "[" * 5000])
def test_damaged_metadata_are_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"adaframe": text})

    with pytest.raises(CheckpointError, match=r"m\.safetensors: its adaframe metadata are damaged"):
        read_metadata(path)


def test_metadata_with_a_key_that_is_unknown_are_damaged(tmp_path: Path, metadata: Metadata) -> None:
    path = tmp_path / "m.safetensors"
    values = {**json.loads(metadata.to_json()), "clases": []}
    save_file({"x": torch.zeros(1)}, path, metadata={"adaframe": json.dumps(values)})

    with pytest.raises(CheckpointError, match=r"m\.safetensors: .* damaged .*clases"):
        read_metadata(path)


def test_an_answer_is_unsure_by_its_confidence_or_by_a_strange_video(metadata: Metadata) -> None:
    known = replace(metadata, unsure_below=0.6, strange_above=2.0)

    assert known.is_unsure(0.5, 1.0)
    assert known.is_unsure(0.9, 2.5)
    assert not known.is_unsure(0.9, 1.0)
    assert not replace(known, strange_above=0.0).is_unsure(0.9, 99.0)
