"""Data sets from folders and CSV files: what is read, and every mistake that is named."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from adaframe.data.manifest import Clip, DataSet, DataWarning, load_dataset, split_off
from adaframe.errors import DataError, UsageError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def manifest(tmp_path: Path, text: str, *, there: bool = True) -> DataSet:
    """The data set of a manifest, whose files (a.mp4 to d.mp4) are there or not."""
    if there:
        touch(tmp_path, *["a.mp4", "b.mp4", "c.mp4", "d.mp4"])
    (tmp_path / "clips.csv").write_bytes(text.encode("utf-8"))
    return load_dataset("", str(tmp_path / "clips.csv"))


def test_a_folder_per_class_with_splits(tmp_path: Path) -> None:
    touch(tmp_path, "train/run/a.mp4", "train/jump/deep/b.MKV", "validation/run/c.mp4", "test/jump/d.webm")

    data = load_dataset(str(tmp_path), "")

    assert data.classes == ("jump", "run")
    assert not data.multi_label
    assert [Path(clip.path).name for clip in data.split("train")] == ["b.MKV", "a.mp4"]
    assert [(Path(clip.path).name, clip.labels) for clip in data.split("val")] == [("c.mp4", ("run",))]
    assert data.split("validation") == data.split("val")
    assert [clip.split for clip in data.clips] == ["test", "train", "train", "val"]


def test_a_folder_per_class_without_splits(tmp_path: Path) -> None:
    touch(tmp_path, "run/a.mp4", "jump/b.mp4", "jump/notes.txt", "jump/.hidden.mp4", ".cache/x/c.mp4", "run/.d/e.mp4")

    data = load_dataset(str(tmp_path), "")

    assert [clip.path for clip in data.clips] == [str(tmp_path / "jump/b.mp4"), str(tmp_path / "run/a.mp4")]
    assert {clip.split for clip in data.clips} == {""}
    assert data.split("test") == ()


def test_a_class_may_be_called_like_a_split(tmp_path: Path) -> None:
    touch(tmp_path, "test/a.mp4", "train/b.mp4")

    assert load_dataset(str(tmp_path), "").classes == ("test", "train")


def test_videos_outside_class_folders_are_left_out_and_said(tmp_path: Path) -> None:
    touch(tmp_path, "run/a.mp4", "jump/b.mp4", "loose.mp4")

    with pytest.warns(DataWarning, match=r"1 videos outside class folders left out: loose\.mp4"):
        assert len(load_dataset(str(tmp_path), "").clips) == 2


def test_folders_beside_the_splits_are_left_out_and_said(tmp_path: Path) -> None:
    touch(tmp_path, "train/run/a.mp4", "train/jump/b.mp4", "raw/c.mp4")

    with pytest.warns(DataWarning, match="1 folders that are no split left out: raw"):
        assert len(load_dataset(str(tmp_path), "").clips) == 2


def test_a_root_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "flat/a.mp4", "file.csv", "hole/run/a.mp4", "hole/jump/readme.txt", "one/run/a.mp4")

    for name, message in {
        "none": "none: there is no such folder",
        "empty": "empty: holds nothing to learn from",
        "flat": "flat: holds 1 videos but no folders; put the videos of each class into a folder",
        "file.csv": "file.csv: is a file, not a folder; try: --data.manifest",
        "hole": "hole/jump: this class folder holds no video",
        "one": "one: all 1 clips are 'run'; at least two classes are needed",
    }.items():
        with pytest.raises(DataError, match=message):
            load_dataset(str(tmp_path / name), "")
    with pytest.raises(DataError, match=r"try: --data\.root DIR .* or --data\.manifest FILE"):
        load_dataset("", "")


def test_a_manifest_with_every_column(tmp_path: Path) -> None:
    data = manifest(
        tmp_path,
        "path,label,split,fold,start_s,end_s,group\n"
        "a.mp4,run,train,1,0.5,2,film 1\n"
        "b.mp4,jump,val,2,,3.5,film 2\n"
        "c.mp4,run,test,10,1,,\n",
    )

    base = str(tmp_path)
    assert data.clips == (
        Clip(f"{base}/a.mp4", ("run",), "train", "1", "film 1", 0.5, 2.0),
        Clip(f"{base}/b.mp4", ("jump",), "val", "2", "film 2", None, 3.5),
        Clip(f"{base}/c.mp4", ("run",), "test", "10", "", 1.0, None),
    )
    assert data.folds == ("1", "2", "10")


def test_a_manifest_as_spreadsheets_write_it(tmp_path: Path) -> None:
    touch(tmp_path, "with, comma.mp4", "b.mp4")

    data = manifest(tmp_path, '\ufeffLabel , PATH\r\n run , "with, comma.mp4"\r\n\r\njump,b.mp4,\r\n,\r\n')

    assert [(Path(clip.path).name, clip.labels) for clip in data.clips] == [
        ("with, comma.mp4", ("run",)),
        ("b.mp4", ("jump",)),
    ]


def test_several_labels_make_a_multi_label_set(tmp_path: Path) -> None:
    data = manifest(tmp_path, "path,label\na.mp4,run | jump|run\nb.mp4,sit\n")

    assert data.multi_label
    assert data.classes == ("jump", "run", "sit")
    assert [clip.labels for clip in data.clips] == [("run", "jump"), ("sit",)]


def test_a_bar_after_a_single_label_makes_a_multi_label_set(tmp_path: Path) -> None:
    data = manifest(tmp_path, "path,label\na.mp4,run|\nb.mp4,sit\n")

    assert data.multi_label
    assert [clip.labels for clip in data.clips] == [("run",), ("sit",)]


def test_in_a_multi_label_set_a_clip_may_have_no_label(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="1 clips have no label, and count as showing none"):
        data = manifest(tmp_path, "path,label\na.mp4,run|\nb.mp4,\nc.mp4,jump\n")

    assert data.multi_label
    assert [clip.labels for clip in data.clips] == [("run",), (), ("jump",)]


def test_clips_without_a_label_are_split_off_like_those_with_one() -> None:
    clips = [Clip(f"{n}.mp4", (("run",), ("jump",), ())[n % 3]) for n in range(30)]

    _, val = split_off(clips, 0.2, seed=0)

    assert Counter(clip.labels for clip in val) == {("run",): 2, ("jump",): 2, (): 2}


def test_paths_are_relative_to_the_root_if_there_is_one(tmp_path: Path) -> None:
    touch(tmp_path, "videos/a.mp4", "videos/b.mp4")
    (tmp_path / "clips.csv").write_text(f"path,label\na.mp4,run\n{tmp_path}/videos/b.mp4,jump\n")

    data = load_dataset(str(tmp_path / "videos"), str(tmp_path / "clips.csv"))

    assert [clip.path for clip in data.clips] == [f"{tmp_path}/videos/a.mp4", f"{tmp_path}/videos/b.mp4"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"clips\.csv: is empty"),
        ("path,label\n", "lists no clips"),
        ("path,klass\na.mp4,run\n", "lacks the column label; it has: path, klass"),
        ("a.mp4;run\n", "lacks the column path and label; it has: a.mp4;run"),
        ("path,label,label\na.mp4,run,run\n", "names the column label twice"),
        ("path,label\na.mp4,run\nb.mp4,\n", "line 3: the label is missing"),
        ("path,label\na.mp4, | \n", "all 1 clips are without a label; at least two classes"),
        ("path,label\n,run\n", "line 2: the path is missing"),
        ("path,label\nb.mp4\n", "line 2: the label is missing"),
        ("path,label\nwith, comma.mp4,run\n", "line 2: has 3 cells for 2 columns; quote"),
        ("path,label,start_s\na.mp4,run,soon\n", "line 2: start_s must be seconds from the file's start, not 'soon'"),
        ("path,label,start_s\na.mp4,run,-1\n", "line 2: start_s must be seconds"),
        ("path,label,end_s\na.mp4,run,nan\n", "line 2: end_s must be seconds"),
        ("path,label,start_s,end_s\na.mp4,run,2,2\n", r"line 2: start_s \(2\) must be before end_s \(2\)"),
        ("path,label,end_s\na.mp4,run,0\n", r"line 2: start_s \(0\) must be before end_s \(0\)"),
        ("path,label,split\na.mp4,run,tset\n", "line 2: unknown split 'tset'; known: train, val, test"),
        ("path,label,split\na.mp4,run,train\nb.mp4,jump,\n", "line 3: split is empty, while other lines have one"),
        ("path,label\na.mp4,run\nb.mp4,run\n", "all 2 clips are 'run'; at least two classes"),
        (
            "path,label,split\na.mp4,run,train\na.mp4,jump,test\n",
            r"a\.mp4: the same clip is in two splits \(train and t",
        ),
        ("path,label,fold\na.mp4,run,1\na.mp4,jump,2\n", r"a\.mp4: the same clip is in two folds \(1 and 2\)"),
        ("path,label\na.mp4,run\na.mp4,jump\n", r"a\.mp4: listed twice \(several labels go into one cell"),
        (
            "path,label,split,group\na.mp4,run,train,g\nb.mp4,jump,test,g\n",
            r"group 'g' is in two splits \(train and test\): .*a\.mp4, .*b\.mp4",
        ),
        ("path,label,fold,group\na.mp4,run,1,g\nb.mp4,jump,2,g\n", "group 'g' is in two folds"),
        ('path,label\n"a.mp4,run\nb.mp4,jump\n', "is no CSV text"),
    ],
)
def test_a_mistake_in_a_manifest_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        manifest(tmp_path, text)


def test_a_manifest_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: there is no such manifest"):
        load_dataset("", str(tmp_path / "none.csv"))
    with pytest.raises(DataError, match=r"none: there is no such folder"):
        load_dataset(str(tmp_path / "none"), str(tmp_path / "clips.csv"))
    (tmp_path / "video.csv").write_bytes(b"\x00\x00\xff\xfe")
    with pytest.raises(DataError, match=r"video\.csv: is no CSV text in UTF-8"):
        load_dataset("", str(tmp_path / "video.csv"))
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset("", str(tmp_path))


def test_parts_of_one_file_may_be_clips_of_their_own(tmp_path: Path) -> None:
    rows = "path,label,start_s,end_s,split\na.mp4,run,0,2,train\na.mp4,jump,2,4,test\n"

    assert len(manifest(tmp_path, rows).clips) == 2

    with pytest.raises(DataError, match="the same clip is in two splits"):
        manifest(tmp_path, rows.replace("jump,2,", "jump,1.5,"))


def test_columns_that_are_not_used_are_said(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="columns not used: spilt"):
        manifest(tmp_path, "path,label,spilt\na.mp4,run,train\nb.mp4,jump,test\n")


def test_some_missing_files_are_left_out_and_said(tmp_path: Path) -> None:
    rows = "".join(f"gone{n}.mp4,run\n" for n in range(4))

    with pytest.warns(DataWarning, match=r"4 of 6 files are missing and left out: .*gone0.*gone1.*gone2\.mp4, …$"):
        data = manifest(tmp_path, f"path,label\na.mp4,run\n{rows}b.mp4,jump\n")

    assert [Path(clip.path).name for clip in data.clips] == ["a.mp4", "b.mp4"]


def test_no_files_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of its 2 files is there .*; paths are relative to .*; try: --data"):
        manifest(tmp_path, "path,label\na.mp4,run\nb.mp4,jump\n", there=False)


def test_an_unknown_split_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    data = manifest(tmp_path, "path,label\na.mp4,run\nb.mp4,jump\n")

    with pytest.raises(DataError, match="unknown split 'tset'; known: train, val, test"):
        data.split("tset")


def clips(**counts: int) -> list[Clip]:
    """`run__2=3`: three clips of run in group 2; `run=3`: three clips without a group."""
    found = []
    for name, count in counts.items():
        label, _, group = name.partition("__")
        found += [Clip(f"{name}-{n}.mp4", (label,), group=group) for n in range(count)]
    return found


def labels(found: tuple[Clip, ...]) -> dict[str, int]:
    return dict(Counter(clip.labels[0] for clip in found))


def test_clips_without_groups_are_split_in_proportion() -> None:
    train, val = split_off(clips(run=40, jump=20), 0.25, seed=0)

    assert labels(val) == {"run": 10, "jump": 5}
    assert labels(train) == {"run": 30, "jump": 15}


def test_a_group_is_never_on_both_sides() -> None:
    found = clips(run__a=5, run__b=5, run__c=5, jump__a=5, jump__d=5, jump__e=5)

    for seed in range(20):
        train, val = split_off(found, 0.3, seed)
        assert not {clip.group for clip in train} & {clip.group for clip in val}
        assert set(labels(train)) == set(labels(val)) == {"run", "jump"}
        assert len(train) + len(val) == len(found)


def test_parts_of_one_file_stay_together() -> None:
    files = [("a.mp4", "x"), ("b.mp4", "x"), ("c.mp4", "y"), ("d.mp4", "y")]
    found = [Clip(path, (label,), start_s=s, end_s=s + 1.0) for path, label in files for s in range(5)]

    train, val = split_off(found, 0.5, seed=0)

    assert not {clip.path for clip in train} & {clip.path for clip in val}


def test_the_same_seed_gives_the_same_parts_whatever_the_order() -> None:
    found = clips(run=20, jump=20)
    shuffled = random.Random(1).sample(found, len(found))

    assert split_off(found, 0.2, seed=3) == split_off(found, 0.2, seed=3)
    assert set(split_off(found, 0.2, seed=3)[1]) == set(split_off(shuffled, 0.2, seed=3)[1])
    assert split_off(found, 0.2, seed=3) != split_off(found, 0.2, seed=4)


def test_every_label_that_can_be_is_in_both_parts() -> None:
    train, val = split_off(clips(run=2, jump=2, sit__only=6), 0.1, seed=0)

    assert labels(val) == {"run": 1, "jump": 1}
    assert labels(train) == {"run": 1, "jump": 1, "sit": 6}


def test_no_fraction_splits_nothing_off() -> None:
    found = clips(run=2, jump=2)

    assert split_off(found, 0.0, seed=0) == (tuple(found), ())


@pytest.mark.parametrize("fraction", [1.0, -0.1, float("nan")])
def test_a_fraction_that_cannot_be_is_an_error(fraction: float) -> None:
    with pytest.raises(UsageError, match="val_fraction must be at least 0 and below 1"):
        split_off(clips(run=2, jump=2), fraction, seed=0)


def test_too_few_groups_are_an_error() -> None:
    with pytest.raises(DataError, match=r"4 clips are of 1 groups, too few"):
        split_off(clips(run__g=2, jump__g=2), 0.5, seed=0)
