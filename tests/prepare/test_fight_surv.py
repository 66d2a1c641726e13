"""Surveillance Camera Fight gets its folds."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from adaframe import bundled
from adaframe.data.manifest import load_dataset
from adaframe.errors import DataError
from adaframe.prepare import prepare


@pytest.fixture
def published(sample: Any) -> Any:
    """The data set's folders as its authors publish them: 150 clips each, empty files here."""
    for folder, prefix in (("fight", "fi"), ("noFight", "nofi")):
        sample.files(*(f"{folder}/{prefix}{number:03}.mp4" for number in range(1, 151)))
    return sample


def test_clips_get_their_folds_and_the_rest_is_left_out(published: Any) -> None:
    said = published.prepare("fight-surv")

    data = published.data
    assert said[0] == f"{published.out}: 240 clips (120 fight, 120 no-fight)"
    assert said[1].startswith("60 clips have no fold and are left out: fi")
    assert data.classes == ("fight", "no-fight")
    assert data.folds == ("1", "2", "3", "4")
    assert all(clip.group for clip in data.clips)
    assert {Path(clip.path).parent.name for clip in data.clips if clip.labels == ("no-fight",)} == {"noFight"}


def test_what_is_missing_is_counted_and_listed(published: Any) -> None:
    with bundled.dataset_path("fight_surv_folds.csv").open() as file:
        stems = [row["stem"] for row in csv.DictReader(file)]
    for stem in stems[:3]:
        (published.source / "fight" / f"{stem}.mp4").unlink()

    said = published.prepare("fight-surv")

    assert said[0].endswith("237 clips (117 fight, 120 no-fight)")
    assert said[1].startswith(f"3 videos of the annotations are missing: {', '.join(stems[:3])}; listed in")
    assert published.missing == stems[:3]


def test_the_clips_that_the_tests_have_are_found(tmp_path: Path) -> None:
    source = os.environ.get("ADAFRAME_TEST_DATA")
    if not source:
        pytest.skip("ADAFRAME_TEST_DATA is not set")

    prepare("fight-surv", source=Path(source) / "data" / "fight_surv" / "clips", out=tmp_path / "fight.csv")

    ours = load_dataset("", str(tmp_path / "fight.csv"))
    theirs = load_dataset("", str(Path(source) / "data" / "fight_surv" / "clips.csv"))
    facts = [[(Path(c.path).name, c.labels, c.fold, c.group) for c in data.clips] for data in (ours, theirs)]
    assert sorted(facts[0]) == sorted(facts[1])


def test_a_clip_that_is_there_twice_is_an_error(published: Any) -> None:
    published.files("copy/fi001.mp4")

    with pytest.raises(DataError, match=r"fi001 is there twice .*try: --source"):
        published.prepare("fight-surv")


def test_a_folder_of_something_else_is_an_error(sample: Any) -> None:
    sample.files("run.mp4")

    with pytest.raises(DataError, match="holds none of the data set's clips"):
        sample.prepare("fight-surv")

    assert not sample.out.exists()
