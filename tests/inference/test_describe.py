"""What a file is, in words."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from adaframe.config import Glance, Look, Model, Preprocess, Sampling
from adaframe.errors import CheckpointError, VideoError
from adaframe.inference.describe import describe
from adaframe.model.checkpoint import save_checkpoint
from adaframe.model.metadata import CalibrationPoint, Metadata
from adaframe.model.network import Network

MODEL = Model(
    glance=Glance(8, "tiny-2", "none", shares="look-32"),
    looks=(Look("look-32", 32, "tiny-2", "none"), Look("look-16", 16, "tiny-2", "none")),
    sampling=Sampling(8, 2.0),
    preprocess=Preprocess(40, 32),
    scope="Trained on nothing.",
)


def checkpoint(
    folder: Path, plan: str = "adaptive", *, half: bool = False, model: Model = MODEL, **facts: object
) -> Path:
    network = Network(model, classes=2, plan=plan)
    metadata = Metadata(model, plan, ("fight", "no-fight"), False, network.costs)
    path = folder / "model.safetensors"
    save_checkpoint(path, network, replace(metadata, **facts), half=half)  # type: ignore[arg-type]
    return path


def video(path: Path, *, frames: int = 30, rotate: int = 0) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"g": "12", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        if rotate:
            stream.set_display_rotation(rotate)
        for i in range(frames):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.full((64, 96, 3), 4 * i, np.uint8), format="rgb24"))
            )
        container.mux(stream.encode())
    return path


def row(text: str, name: str) -> str:
    """What follows the name at the start of a line."""
    lines = [line.split(maxsplit=1)[1] for line in text.splitlines() if line.strip().startswith(f"{name} ")]
    assert len(lines) == 1
    return lines[0]


def test_a_checkpoint_says_what_it_knows_and_how_it_looks(tmp_path: Path) -> None:
    text = describe(checkpoint(tmp_path, budget=0.5, unsure_below=0.625, training={"clips": 120, "seed": 3}))

    assert row(text, "classes") == "2: fight, no-fight"
    assert row(text, "scope") == "Trained on nothing."
    assert "LSTM of 64, skips of 1, 2, 4" in row(text, "policy")
    assert row(text, "frames") == "8 in each window of 2 s"
    assert row(text, "picture") == "shorter side to 40 pixels (bilinear), square of 32 from the centre"
    assert "tiny-2 with the weights of look-32 at 8 pixels" in row(text, "glance")
    assert "for the policy only" in row(text, "glance")
    assert "tiny-2 at 16 pixels" in row(text, "look-16")
    assert "0.5 of uniform" in row(text, "budget")
    assert "0.62" in row(text, "unsure")
    assert row(text, "training") == "clips 120, seed 3"


def test_gmacs_are_those_of_the_network(tmp_path: Path) -> None:
    # One look of 40 million multiply-adds a frame, to be seen in three digits.
    looks = (Look("look-224", 224, "tiny-16", "none"),)
    model = replace(MODEL, glance=Glance(8, "tiny-2", "none"), looks=looks, preprocess=Preprocess(224, 224))
    costs = Network(model, classes=2).costs

    text = describe(checkpoint(tmp_path, model=model))

    assert f"{costs.looks[0] / 1e9:.4f} GMACs a frame" in row(text, "look-224")
    assert f"{(8 * costs.uniform_frame + costs.head) / 1e9:.3f} GMACs a window" in row(text, "uniform")


@pytest.mark.parametrize("half", [True, False])
def test_parameters_are_counted_once_and_without_statistics(tmp_path: Path, half: bool) -> None:
    path = checkpoint(tmp_path, half=half)

    text = row(describe(path), "weights")

    expected = sum(p.numel() for p in Network(MODEL, classes=2).parameters())
    assert text == f"{expected:,} parameters ({'F16' if half else 'F32'}), {path.stat().st_size / 1e6:.1f} MB"


def test_the_calibration_is_a_table_from_dear_to_cheap(tmp_path: Path) -> None:
    points = (CalibrationPoint(0.0, 0.612, 0.55, 0.9), CalibrationPoint(1.0, 0.3, 0.25, 0.85))

    lines = describe(checkpoint(tmp_path, calibration=points)).splitlines()[-3:]

    assert lines[0].split() == ["--budget", "of", "uniform", "GMACs", "on", "a", "stream", "accuracy"]
    # A budget of 0.61 would not buy what costs 0.612.
    assert [lines[1].split()[i] for i in (0, 1, 3, 4)] == ["0.62", "0.612", "0.550", "90.0"]
    assert [lines[2].split()[i] for i in (0, 1, 3, 4)] == ["0.30", "0.300", "0.250", "85.0"]
    assert len({len(line) for line in lines}) == 1


def test_a_baseline_has_its_own_look_and_no_policy(tmp_path: Path) -> None:
    text = describe(checkpoint(tmp_path, "static:look-16/4"))

    assert row(text, "policy") == "none; a baseline: static:look-16/4"
    assert "at 16 pixels" in row(text, "look-16")
    assert "look-32" not in text
    assert "glance" not in text


def test_the_glance_baseline_answers_from_its_glances(tmp_path: Path) -> None:
    text = describe(checkpoint(tmp_path, "glance"))

    assert row(text, "glance").endswith("may answer")
    assert "look-16 " not in text


def test_many_classes_are_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    network = Network(MODEL, classes=101)
    names = tuple(f"class{n}" for n in range(101))
    save_checkpoint(path, network, Metadata(MODEL, "adaptive", names, True, network.costs))

    text = row(describe(path), "classes")

    assert text.startswith("101, multi-label (several may hold at once): class0, class1, ")
    assert text.endswith("class19, … (81 more)")


def test_a_checkpoint_of_any_name_is_known_by_its_start(tmp_path: Path) -> None:
    path = checkpoint(tmp_path).rename(tmp_path / "best.weights")

    assert "adaframe checkpoint" in describe(path)


def test_describing_a_checkpoint_needs_no_torch(tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    script = (
        "import sys; from adaframe.inference.describe import describe; "
        "describe(sys.argv[1]); assert 'torch' not in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 0


def test_a_video_says_its_facts(tmp_path: Path) -> None:
    text = describe(video(tmp_path / "a.mp4"))

    assert "mp4" in row(text, "container")
    assert row(text, "codec") == "h264, yuv420p"
    assert row(text, "size") == "96 × 64 pixels as shown"
    assert row(text, "frames") == "30, 10 a second"
    assert row(text, "duration") == "3.000 s"
    assert row(text, "key") == "frames  3, at 0, 12, 24"
    assert "warning" not in text


def test_a_turned_video_has_the_size_that_is_shown(tmp_path: Path) -> None:
    assert row(describe(video(tmp_path / "a.mp4", rotate=90)), "size").startswith(
        "64 × 96 pixels as shown, stored turned by"
    )


def test_a_damaged_video_is_described_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    whole = video(path).read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])

    try:
        text = describe(path)
    except VideoError:
        pytest.fail("a file of which most is there was refused")

    assert int(row(text, "frames").split(",")[0]) < 30


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.mp4", b"this is text\n", VideoError),
        ("a.mp4", b"", VideoError),
        ("notes.txt", b"this is text, and not little of it\n" * 9, VideoError),
        ("m.safetensors", b"this is text\n", CheckpointError),
        ("m.pth", b"PK\x03\x04 and so on", CheckpointError),
    ],
)
def test_anything_else_is_an_error_of_at_most_two_lines(
    tmp_path: Path, name: str, content: bytes, kind: type[Exception]
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(kind, match=f"{name}: .*; try: ") as caught:
        describe(tmp_path / name)

    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize("name", ["none.mp4", "none.safetensors", "."])
def test_what_is_not_there_or_a_folder_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises((VideoError, CheckpointError), match="; try: "):
        describe(tmp_path / name)
