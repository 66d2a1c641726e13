"""Odd, difficult and damaged files, and what is expected of each."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from adaframe.config import Preprocess, Sampling
from adaframe.errors import EncryptedVideo, NoVideoStream, VideoError
from adaframe.video import ClipRequest, DecodePool, read_clip


@pytest.mark.slow
def test_every_odd_file_gives_frames_or_an_error_as_expected(shared_data: Path) -> None:
    folder = shared_data / "media"
    with (folder / "TABLE.tsv").open(encoding="utf-8") as table:
        expected = {row["file"]: row["expected"] for row in csv.DictReader(table, delimiter="\t")}
    requests = [
        ClipRequest(str(folder / name), Sampling(16, window_s), Preprocess())
        for name in expected
        for window_s in (2.0, None)
    ]

    with DecodePool(workers=2) as pool:
        results = list(pool.map(read_clip, requests))

    wrong = []
    for request, result in zip(requests, results, strict=True):
        name = Path(request.path).name
        decodes = not isinstance(result, VideoError) and result.valid[:, 0].all() and len(result.images) > 0
        if decodes != (expected[name] == "decodes"):
            wrong.append(f"{name}: {result}")
        if isinstance(result, VideoError):
            assert str(result).startswith(request.path)
        if expected[name] == "no video stream":
            assert isinstance(result, NoVideoStream)
        if "encrypted" in name:
            assert isinstance(result, EncryptedVideo)
    assert len(expected) == 62
    assert wrong == []
