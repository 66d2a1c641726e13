"""A folder per class becomes a manifest."""

from __future__ import annotations

import os
from typing import Any

from adaframe.data.manifest import load_dataset


def test_the_manifest_has_the_same_clips_as_the_folder(sample: Any) -> None:
    sample.files("train/run/a, b.mp4", "train/jump/c.mp4", "test/run/d.mp4")

    sample.prepare("folder")

    before = load_dataset(str(sample.source), "")
    facts = [[(os.path.realpath(c.path), c.labels, c.split) for c in data.clips] for data in (before, sample.data)]
    assert facts[0] == facts[1]
    assert sample.out.read_text().splitlines()[:2] == ["path,label,split", "../source/test/run/d.mp4,run,test"]
    assert not sample.data.multi_label


def test_a_class_folder_with_a_bar_in_its_name_is_one_label(sample: Any) -> None:
    sample.files("run|jump/a.mp4", "sit/b.mp4")

    said = sample.prepare("folder")

    assert sample.data.classes == ("run/jump", "sit")
    assert not sample.data.multi_label
    assert "in 1 labels, / stands for |, which joins labels in a manifest: run|jump" in said
