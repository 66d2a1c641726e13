"""Published data sets become manifests: what is common to all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adaframe.errors import AdaframeError, DataError, UsageError
from adaframe.prepare import prepare


def test_a_manifest_is_a_csv(sample: Any) -> None:
    with pytest.raises(UsageError, match=r"m\.txt: a manifest is a \.csv file"):
        prepare("folder", source=sample.source, out=sample.out.with_suffix(".txt"))


def test_a_source_that_is_not_there_is_an_error(sample: Any) -> None:
    with pytest.raises(DataError, match="none: there is no such folder"):
        prepare("folder", source=sample.source / "none", out=sample.out)


@pytest.mark.parametrize(
    ("name", "option", "says"),
    [
        (
            "folder",
            {"annotations": Path()},
            "--annotations is not for folder, which has no annotation files; it is for: .*kinetics400",
        ),
        (
            "charades",
            {"split_number": 2},
            "--split-number is not for charades, which has one official split; it is for: hmdb51, ucf101",
        ),
        (
            "kinetics400",
            {"segments": True},
            r"--segments is not for kinetics400, .* it is for: activitynet1\.2, activitynet1\.3",
        ),
    ],
)
def test_an_option_that_a_data_set_has_not_is_refused(
    sample: Any, name: str, option: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        sample.prepare(name, **option)


def test_many_classes_are_counted_only(sample: Any) -> None:
    sample.files(*(f"class-{number}/{number}.mp4" for number in range(9)))

    assert sample.prepare("folder")[0] == f"{sample.out}: 9 clips of 9 classes"


def test_the_list_of_what_is_missing_goes_when_nothing_is(sample: Any) -> None:
    sample.files("run/a.mp4", "sit/b.mp4")
    sample.out.parent.mkdir()
    sample.out.with_suffix(".missing.txt").write_text("old\n")
    sample.out.with_suffix(".bad.txt").write_text("of an earlier --verify\n")

    sample.prepare("folder")

    assert sorted(path.name for path in sample.out.parent.iterdir()) == ["m.bad.txt", "m.csv"]


def test_bad_videos_are_named_listed_and_left_out(sample: Any, render_clip: Callable[..., Path]) -> None:
    sample.files("run/empty.mp4")
    for name in ("run/a.mp4", "sit/b.mp4"):
        render_clip(sample.source / name, 0.4)

    said = sample.prepare("folder", verify=True, workers=1)

    reason = f"{sample.source}/run/empty.mp4: the file is empty (0 bytes)"
    assert [path for path, _, _ in sample.rows] == ["run/a.mp4", "sit/b.mp4"]
    assert sample.out.with_suffix(".bad.txt").read_text() == f"{reason}\n"
    assert said[1:3] == [
        f"1 of 3 videos are bad and left out; they are listed in {sample.out.with_suffix('.bad.txt')}",
        f"  {reason}",
    ]


def test_an_interrupted_check_leaves_no_list(sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sample.files("run/a.mp4", "sit/b.mp4")

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("adaframe.prepare.verify.verify", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample.prepare("folder", verify=True)

    assert list(sample.out.parent.iterdir()) == []


def test_where_no_video_can_be_used_there_is_no_manifest(sample: Any) -> None:
    sample.files("run/a.mp4", "sit/b.mp4")

    with pytest.raises(DataError, match=r"no clip can be used; .*m\.bad\.txt says why"):
        sample.prepare("folder", verify=True, workers=1)

    assert not sample.out.exists()


def test_a_manifest_that_cannot_be_written_is_an_error(sample: Any) -> None:
    sample.files("run/a.mp4", "sit/b.mp4", "file")

    with pytest.raises(AdaframeError, match="cannot be written"):
        prepare("folder", source=sample.source, out=sample.source / "file" / "m.csv")
