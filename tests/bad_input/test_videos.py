"""Files that are no videos: a line each, and the others are answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Classify = Callable[..., tuple[int, list[str], list[str]]]
Adaframe = Callable[..., subprocess.CompletedProcess[str]]
KNOWS = "adaframe: tiny.safetensors knows run, sit, wave"


def empty(path: Path, good: Path) -> None:
    path.write_bytes(b"")


def text(path: Path, good: Path) -> None:
    path.write_text("Once upon a time there was a file that was no video.\n" * 20)


def web_page(path: Path, good: Path) -> None:
    path.write_text("<!DOCTYPE html><html><body>404 not found</body></html>\n")


def random_bytes(path: Path, good: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(50_000))


def cut_before_the_first_frame(path: Path, good: Path) -> None:
    path.write_bytes(good.read_bytes()[:200])


def without_its_index(path: Path, good: Path) -> None:
    whole = good.read_bytes()
    path.write_bytes(whole[: whole.index(b"moov") - 4])


def sound_only(path: Path, good: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for i in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, 1024 * i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


SPOILT = (
    (empty, ".mp4", "the file is empty (0 bytes)"),
    (text, ".mp4", "is no video"),
    (web_page, ".mp4", "is no video"),
    (random_bytes, ".mkv", "is no video"),
    (cut_before_the_first_frame, ".mp4", "its index (moov) is missing"),
    (without_its_index, ".mp4", "its index (moov) is missing"),
    (sound_only, ".m4a", "holds no moving picture (only audio)"),
)


def test_each_bad_file_is_one_line_and_the_others_are_answered(classify: Classify, good: Path, tmp_path: Path) -> None:
    bad = [tmp_path / f"{spoil.__name__}{suffix}" for spoil, suffix, _ in SPOILT]
    for path, (spoil, *_) in zip(bad, SPOILT, strict=True):
        spoil(path, good)
    mixed = [file for path in bad for file in (good, path)]
    said = [f"{path}: {says}" for path, (*_, says) in zip(bad, SPOILT, strict=True)]

    code, out, err = classify(*mixed)

    assert (code, len(out)) == (1, len(SPOILT))
    for line, expected in zip(err, said, strict=True):
        assert line.startswith(f"adaframe: error: {expected}")

    code, out, err = classify(*mixed, "--json")

    rows = [json.loads(line) for line in out]
    assert (code, err) == (1, [])
    assert {row["label"] for row in rows[::2]} == {rows[0]["label"]}
    for row, expected in zip(rows[1::2], said, strict=True):
        assert f"{row['path']}: {row['error']}".startswith(expected)
        assert set(row) == {"path", "error"}


def test_a_file_that_is_not_there(classify: Classify, good: Path, tmp_path: Path) -> None:
    code, out, err = classify(tmp_path / "none.mp4", good)

    assert (code, len(out)) == (1, 1)
    assert err == [f"adaframe: error: {tmp_path}/none.mp4: there is no such file or folder"]


def test_a_folder_with_a_good_and_a_bad_file(classify: Classify, good: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    (tmp_path / "b.mp4").write_bytes(good.read_bytes())
    (tmp_path / "notes.txt").write_text("not a video, and not named as one")

    code, out, err = classify(tmp_path)

    assert (code, len(out), len(err)) == (1, 1, 1)
    assert out[0].startswith(f"{tmp_path}/b.mp4 ")
    assert err[0].startswith(f"adaframe: error: {tmp_path}/a.mp4: the file is empty")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(classify: Classify, good: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked.mp4"
    locked.write_bytes(good.read_bytes())
    locked.chmod(0)

    code, out, err = classify(locked)

    assert (code, out, len(err)) == (1, [], 1)


@pytest.fixture
def strange_names(tiny_checkpoint: Path, good: Path, tmp_path: Path) -> list[str]:
    """Words that classify a folder whose good and whose empty file have names that are no Unicode."""
    if sys.platform in ("win32", "darwin"):
        pytest.skip("names are Unicode here")
    folder = os.fsencode(tmp_path)
    Path(os.fsdecode(folder + b"/caf\xe9.mp4")).write_bytes(good.read_bytes())
    Path(os.fsdecode(folder + b"/no\xff.mp4")).write_bytes(b"")
    return ["classify", str(tmp_path), "--checkpoint", str(tiny_checkpoint), "--device", "cpu"]


STRICT = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}  # as Python has it in most languages


def test_names_that_are_no_unicode_as_json(strange_names: list[str], tmp_path: Path, adaframe: Adaframe) -> None:
    done = adaframe(*strange_names, "--json", env=STRICT)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr.splitlines()) == (1, [KNOWS])
    assert os.fsencode(rows[0]["path"]) == os.fsencode(tmp_path) + b"/caf\xe9.mp4"
    assert rows[0]["label"] in ("run", "sit", "wave")
    assert rows[1]["error"].startswith("the file is empty")


def test_names_that_are_no_unicode_for_people(strange_names: list[str], adaframe: Adaframe) -> None:
    done = adaframe(*strange_names, env=STRICT)

    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert "/caf" in done.stdout
    assert len(done.stderr.splitlines()) == 2
    assert ".mp4: the file is empty" in done.stderr.splitlines()[1]


def test_protected_videos(classify: Classify, good: Path, odd_media: Path) -> None:
    protected = sorted(odd_media.glob("*encrypted*"))
    assert protected

    code, out, err = classify(*protected, good)

    assert (code, len(out)) == (1, 1)
    assert [line.partition(": the picture is encrypted")[0] for line in err] == [
        f"adaframe: error: {path}" for path in protected
    ]


def test_a_partly_damaged_file_is_answered_with_a_warning(classify: Classify, good: Path, odd_media: Path) -> None:
    cut = odd_media / "made_truncated_50pct_moov_first.mp4"

    code, out, err = classify(cut, "--json")

    row = json.loads(out[0])
    assert code == 0
    assert row["label"] in ("run", "sit", "wave")
    assert row["warnings"]
    assert err == [f"adaframe: warning: {cut}: {warning}" for warning in row["warnings"]]
