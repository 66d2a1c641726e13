from pathlib import Path

import numpy as np
import pytest

from adaframe.data.manifest import load_dataset
from adaframe.evaluation.speed.decode_films import encode
from adaframe.evaluation.studies.still_film import Event
from adaframe.evaluation.studies.still_scenes import cut_around, main
from adaframe.video import probe


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of two seconds from two sources."""
    folder = tmp_path_factory.mktemp("clips")
    for n, shade in enumerate((60, 90, 160)):
        pictures = (np.full((48, 64, 3), shade + t, dtype=np.uint8) for t in range(20))
        encode(folder / f"{n}.mp4", pictures, fps=10, gop=10)
    lines = ["path,label,fold,group", "0.mp4,fight,1,one", "1.mp4,no-fight,1,one", "2.mp4,fight,2,two"]
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"


@pytest.fixture(scope="module")
def made(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("still")
    args = ["--source", str(clips), "--out", str(out), "--length", "4", "6", "--cut", "3", "--workers", "1"]
    assert main(args) == 0
    return out


def test_every_clip_becomes_a_video_with_its_label_fold_and_group(made: Path, clips: Path) -> None:
    old, new = load_dataset("", str(clips)).clips, load_dataset("", str(made / "clips.csv")).clips

    assert [(c.labels, c.fold, c.group) for c in new] == [(c.labels, c.fold, c.group) for c in old]
    assert all(4 <= probe(c.path).duration_s <= 6.2 for c in new)


def test_cuts_are_parts_of_the_videos_around_their_events(made: Path) -> None:
    events = [line.split(",") for line in (made / "events.csv").read_text().splitlines()[1:]]
    parts = load_dataset("", str(made / "clips-3s.csv")).clips

    assert len(parts) == len(events) == 3
    for part, event in zip(parts, events, strict=True):
        assert part.start_s is not None
        assert part.end_s is not None
        assert part.end_s - part.start_s == pytest.approx(3.0, abs=0.002)
        assert part.start_s <= float(event[2]) + 0.001
        assert part.end_s >= float(event[3]) - 0.001


def test_the_same_seed_makes_the_same_lists(made: Path, clips: Path, tmp_path: Path) -> None:
    args = ["--source", str(clips), "--out", str(tmp_path), "--length", "4", "6", "--cut", "3", "--workers", "1"]
    assert main(args) == 0

    for name in ("clips.csv", "clips-3s.csv", "events.csv"):
        assert (tmp_path / name).read_text() == (made / name).read_text()


def test_a_cut_never_leaves_the_video() -> None:
    random = np.random.default_rng(0)
    for event in (Event(0.0, 2.0, 20.0), Event(18.0, 20.0, 20.0), Event(9.0, 11.0, 20.0)):
        for _ in range(20):
            start, end = cut_around(event, 10.0, random)
            assert 0 <= start <= event.start_s
            assert event.end_s <= end <= 20


def test_videos_shorter_than_the_event_are_refused(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--source", str(clips), "--out", str(tmp_path), "--length", "1", "5"]) == 2
    assert "shorter than the event" in capsys.readouterr().err
