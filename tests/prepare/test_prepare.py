"""Published data sets become manifests."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from adaframe.training.prepare import prepare

from adaframe import bundled
from adaframe.errors import DataError, UsageError
from adaframe.training.manifest import load_dataset


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The data set's folders as its authors publish them: 150 clips each, empty files here."""
    for folder, prefix in (("fight", "fi"), ("noFight", "nofi")):
        (tmp_path / "published" / folder).mkdir(parents=True)
        for number in range(1, 151):
            (tmp_path / "published" / folder / f"{prefix}{number:03}.mp4").write_bytes(b"")
    return tmp_path / "published"


def test_fight_surv_gets_its_folds_and_leaves_the_rest_out(published: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "fight.csv"

    said = prepare("fight-surv", source=published, out=out)

    data = load_dataset("", str(out))
    assert said[0] == f"{out}: 240 clips (120 fight, 120 no-fight)"
    assert said[1].startswith("60 clips have no fold and are left out: fi")
    assert data.classes == ("fight", "no-fight")
    assert data.folds == ("1", "2", "3", "4")
    assert all(clip.group for clip in data.clips)
    assert {Path(clip.path).parent.name for clip in data.clips if clip.labels == ("no-fight",)} == {"noFight"}


def test_fight_surv_counts_what_is_missing(published: Path, tmp_path: Path) -> None:
    with bundled.dataset_path("fight_surv_folds.csv").open() as file:
        stems = [row["stem"] for row in csv.DictReader(file)]
    for stem in stems[:3]:
        (published / "fight" / f"{stem}.mp4").unlink()

    said = prepare("fight-surv", source=published, out=tmp_path / "fight.csv")

    assert said[0].endswith("237 clips (117 fight, 120 no-fight)")
    assert said[1] == f"3 of the 240 clips with a fold are missing: {', '.join(stems[:3])}"


def test_fight_surv_finds_the_clips_that_the_tests_have(tmp_path: Path) -> None:
    source = os.environ.get("ADAFRAME_TEST_DATA")
    if not source:
        pytest.skip("ADAFRAME_TEST_DATA is not set")

    prepare("fight-surv", source=Path(source) / "data" / "fight_surv" / "clips", out=tmp_path / "fight.csv")

    ours = load_dataset("", str(tmp_path / "fight.csv"))
    theirs = load_dataset("", str(Path(source) / "data" / "fight_surv" / "clips.csv"))
    facts = [[(Path(c.path).name, c.labels, c.fold, c.group) for c in data.clips] for data in (ours, theirs)]
    assert sorted(facts[0]) == sorted(facts[1])


def test_a_clip_that_is_there_twice_is_an_error(published: Path, tmp_path: Path) -> None:
    (published / "copy").mkdir()
    (published / "copy" / "fi001.mp4").write_bytes(b"")

    with pytest.raises(DataError, match=r"fi001 is there twice .*try: --source"):
        prepare("fight-surv", source=published, out=tmp_path / "fight.csv")


def test_a_folder_of_something_else_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run.mp4").write_bytes(b"")

    with pytest.raises(DataError, match="holds none of the data set's clips"):
        prepare("fight-surv", source=tmp_path, out=tmp_path / "fight.csv")
    with pytest.raises(DataError, match="none: there is no such folder"):
        prepare("fight-surv", source=tmp_path / "none", out=tmp_path / "fight.csv")

    assert not (tmp_path / "fight.csv").exists()


def test_a_folder_per_class_becomes_a_manifest_of_the_same_clips(tmp_path: Path) -> None:
    for name in ("train/run/a, b.mp4", "train/jump/c.mp4", "test/run/d.mp4"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).write_bytes(b"")
    out = tmp_path / "manifests" / "m.csv"

    prepare("folder", source=tmp_path / "videos", out=out)

    before, after = load_dataset(str(tmp_path / "videos"), ""), load_dataset("", str(out))
    facts = [[(os.path.realpath(c.path), c.labels, c.split) for c in data.clips] for data in (before, after)]
    assert facts[0] == facts[1]
    assert out.read_text().splitlines()[:2] == ["path,label,split", "../videos/test/run/d.mp4,run,test"]


def test_a_manifest_is_a_csv(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"m\.txt: a manifest is a \.csv file"):
        prepare("folder", source=tmp_path, out=tmp_path / "m.txt")
