"""Data sets in miniature: annotation files in their true form, empty files in place of videos."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from adaframe.data.clips import DataSet
from adaframe.data.manifest import load_dataset
from adaframe.prepare import prepare


class Sample:
    """A data set's folder, and the manifest that was made of it."""

    def __init__(self, folder: Path) -> None:
        self.source, self.out = folder / "source", folder / "manifests" / "m.csv"
        self.source.mkdir()

    def files(self, *names: str) -> None:
        """Empty files below the source."""
        for name in names:
            self.text(name, "")

    def text(self, name: str, text: str) -> Path:
        """A file with a text below the source."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(text))
        return path

    def prepare(self, name: str, **options: Any) -> list[str]:
        return prepare(name, source=self.source, out=self.out, **options)

    @property
    def data(self) -> DataSet:
        """The manifest, read as training reads it."""
        return load_dataset("", str(self.out))

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """(path below the source, labels, split) of each clip, as training gets them."""
        clips = self.data.clips
        return [(os.path.relpath(clip.path, self.source), "|".join(clip.labels), clip.split) for clip in clips]

    @property
    def missing(self) -> list[str]:
        return self.out.with_suffix(".missing.txt").read_text().splitlines()


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path)
