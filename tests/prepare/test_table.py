"""The text of a manifest."""

from __future__ import annotations

from pathlib import Path

from adaframe.data.clips import Clip
from adaframe.data.manifest import load_dataset
from adaframe.prepare.table import manifest_text


def test_paths_are_relative_and_empty_columns_left_out(tmp_path: Path) -> None:
    clips = [
        Clip(str(tmp_path / "videos" / "a, b.mp4"), ('say "x"',), start_s=0.0, end_s=1234.5678),
        Clip(str(tmp_path / "lists" / "c.mp4"), ("y",)),
    ]

    text = manifest_text(clips, tmp_path / "lists", multi_label=False)

    assert text == ('path,label,start_s,end_s\n"../videos/a, b.mp4","say ""x""",0,1234.5678\nc.mp4,y,,\n')


def test_one_label_of_a_multi_label_set_ends_with_a_bar(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    clips = [Clip(str(tmp_path / "a.mp4"), ("run",)), Clip(str(tmp_path / "b.mp4"), ("jump",))]

    for multi_label, cell in ((True, "run|"), (False, "run")):
        text = manifest_text(clips, tmp_path, multi_label=multi_label)
        (tmp_path / "m.csv").write_text(text)

        assert f"a.mp4,{cell}\n" in text
        data = load_dataset("", str(tmp_path / "m.csv"))
        assert data.multi_label == multi_label
        assert data.classes == ("jump", "run")
