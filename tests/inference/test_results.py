"""A file of answers: whole lines, each file once, and nothing that is not ours is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adaframe.errors import AdaframeError, UsageError
from adaframe.inference.results import Results, digest_of

SETTINGS = {"checkpoint": "12ab", "budget": None}


def good(path: str) -> dict[str, Any]:
    return {"path": path, "label": "run", "confidence": 0.75}


def bad(path: str) -> dict[str, Any]:
    return {"path": path, "error": "no frame could be decoded"}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a file that holds the answers about a (well) and b (failed)."""
    path = tmp_path / "results.jsonl"
    with Results(path, SETTINGS) as results:
        results.append(good("a"))
        results.append(bad("b"))
    return path


def test_a_second_run_goes_on_after_what_is_there(path: Path) -> None:
    with Results(path, SETTINGS) as results:
        assert (results.done, results.failed) == ({"a", "b"}, {"b"})
        results.append(good("c"))

    assert rows(path) == [good("a"), bad("b"), good("c")]


def test_a_line_is_in_the_file_once_it_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.jsonl"
    with Results(path, SETTINGS) as results:
        results.append(good("ä\udcff\n.mp4"))

        assert rows(path) == [good("ä\udcff\n.mp4")]


@pytest.mark.parametrize("cut", [1, 20, 47])
def test_a_line_that_was_cut_is_dropped(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:-cut])

    with Results(path, SETTINGS) as results:
        assert (results.done, results.failed) == ({"a"}, set())
        results.append(good("b"))

    assert rows(path) == [good("a"), good("b")]


def test_failed_files_can_be_tried_again(path: Path) -> None:
    with Results(path, SETTINGS, retry=True) as results:
        assert (results.done, results.failed) == ({"a"}, set())
        results.append(good("b"))

    assert rows(path) == [good("a"), good("b")]


def test_other_settings_are_refused_and_named(path: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(UsageError, match=r"made with budget default \(now 0\.5\); try: .* to start anew, rm .*jsonl$"):
        Results(path, {**SETTINGS, "budget": 0.5})
    with pytest.raises(UsageError, match=r"checkpoint 12ab \(now 34cd\), budget"):
        Results(path, {"checkpoint": "34cd", "budget": 1.0})

    assert path.read_bytes() == before
    Results(path, SETTINGS).__exit__(None, None, None)  # the refused ones hold nothing


def test_to_start_anew_one_removes_the_file(path: Path) -> None:
    path.unlink()

    with Results(path, {**SETTINGS, "budget": 0.5}) as results:
        results.append(good("a"))

    assert rows(path) == [good("a")]
    with Results(path, {**SETTINGS, "budget": 0.5}) as results:
        assert results.done == {"a"}


@pytest.mark.parametrize("content", [b"notes\n", b"half a line", b'{"path": "a", "label": "run"}\n'])
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=r"notes\.txt: there is no notes\.txt\.settings\.json beside it"):
        Results(path, SETTINGS)

    assert path.read_bytes() == content


@pytest.mark.parametrize("line", [b"notes\n", b"3\n", b'{"path": "a"}\n', b'{"label": "run"}\n', b"\xff\0\n"])
def test_a_line_that_is_no_answer_is_refused_and_left_as_it_is(path: Path, line: bytes) -> None:
    content = path.read_bytes() + line + b"cut"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=r"results\.jsonl: line 3 is no answer of adaframe classify; try: another"):
        Results(path, SETTINGS)

    assert path.read_bytes() == content


@pytest.mark.parametrize("beside", ["", "[]", '{"format": "adaframe-results-0"}', "\udcff"])
def test_settings_of_another_kind_are_refused(path: Path, beside: str) -> None:
    path.with_name("results.jsonl.settings.json").write_text(beside, errors="surrogateescape")

    with pytest.raises(UsageError, match=r"settings\.json beside it is not of this version"):
        Results(path, SETTINGS)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no regular file; try: another --out"):
        Results(tmp_path, SETTINGS)
    with pytest.raises(UsageError, match="is no regular file; try: another --out"):
        Results(os.devnull, SETTINGS)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(AdaframeError, match=r"r\.jsonl: cannot be written .*; try: choose another folder"):
        Results(tmp_path / "file" / "r.jsonl", SETTINGS)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_said_and_loses_no_whole_line(path: Path) -> None:
    with Results(path, SETTINGS) as results, Path("/dev/full").open("ab", buffering=0) as full:
        results._file.close()
        results._file = full

        with pytest.raises(AdaframeError, match=r"results\.jsonl: cannot be written \(No space left.*try: free some"):
            results.append(good("c"))

    with Results(path, SETTINGS) as again:
        assert again.done == {"a", "b"}


def test_one_run_at_a_time_writes_there(path: Path) -> None:
    with Results(path, SETTINGS), pytest.raises(UsageError, match="another run is writing there"):
        Results(path, SETTINGS)

    with Results(path, SETTINGS) as results:
        assert results.done == {"a", "b"}


def test_a_killed_run_leaves_whole_lines_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    code = f"""
import itertools
from adaframe.inference.results import Results
with Results({str(path)!r}, {SETTINGS!r}) as results:
    for n in itertools.count():
        results.append({{"path": str(n), "label": "run"}})
"""
    with subprocess.Popen([sys.executable, "-c", code]) as run:
        while not (path.exists() and path.stat().st_size > 10_000):
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)

    with Results(path, SETTINGS) as results:
        assert results.done == {str(n) for n in range(len(results.done))}
    assert len(rows(path)) == len(results.done) > 100


def test_a_checkpoint_is_known_by_its_content(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)

    assert digest_of(tmp_path / "a") == digest_of(tmp_path / "b") != digest_of(tmp_path / "c")
