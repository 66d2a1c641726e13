"""Wrong usage: said at once, in a line, with what to try."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adaframe.cli.main import main

Classify = Callable[..., tuple[int, list[str], list[str]]]
KNOWS = "adaframe: tiny.safetensors knows run, sit, wave"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["classify", "a.mp4", "--budget", "7"], "argument --budget: must be above 0 and at most 1"),
        (["classify", "a.mp4", "--budget", "0"], "argument --budget: must be above 0 and at most 1"),
        (["classify", "a.mp4", "--budget", "-1"], "argument --budget: "),
        (["classify", "a.mp4", "--budget=-1"], "argument --budget: must be above 0 and at most 1"),
        (["classify", "a.mp4", "--budget", "nan"], "argument --budget: must be above 0 and at most 1"),
        (["classify", "a.mp4", "--bugdet", "0.5"], "unknown option --bugdet; did you mean --budget?"),
        (["classify"], "the following arguments are required: PATH"),
        (["clasify", "a.mp4"], "unknown command clasify; did you mean classify?"),
        (["evaluate", "--data.root", "x", "--budget", "0.5,0"], "argument --budget: must be above 0 and at most 1"),
    ],
)
def test_wrong_usage_is_said_before_torch_is_imported(words: list[str], says: str) -> None:
    code = (
        "import sys; from adaframe.cli.main import main; code = main(sys.argv[1:]); "
        "print({'torch', 'numpy', 'av'} & set(sys.modules)); sys.exit(code)"
    )

    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert done.stdout == "set()\n"
    assert done.stderr.startswith(f"adaframe: error: {says}")
    assert "Traceback" not in done.stderr


def test_a_budget_that_the_model_cannot_keep_to(classify: Classify, good: Path) -> None:
    code, out, err = classify(good, "--budget", "0.01")

    assert (code, out, len(err)) == (1, [], 1)
    assert "budget 0.01 is below what this model can do: its cheapest answers cost 0." in err[0]
    floor = err[0].partition("try: --budget ")[2].partition(",")[0]
    assert classify(good, "--budget", floor)[0] == 0  # what it tells to try works


def test_a_device_that_is_not_there(tiny_checkpoint: Path, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(good), "--checkpoint", str(tiny_checkpoint), "--device", "gpu"]) == 2

    assert capsys.readouterr().err.splitlines() == [
        KNOWS,
        "adaframe: error: device gpu: not known; try: auto, cpu, cuda or mps",
    ]


def test_a_figure_of_two_files(classify: Classify, good: Path, tmp_path: Path) -> None:
    code, out, err = classify(good, good, "--figure", tmp_path / "strip.png")

    assert (code, out) == (2, [])
    assert err == ["adaframe: error: --figure draws one video, but there are 2; try: classify one file"]
    assert not (tmp_path / "strip.png").exists()


def test_a_figure_where_none_can_be_written(classify: Classify, good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")

    code, out, err = classify(good, "--figure", tmp_path / "file" / "strip.png")

    assert (code, len(out), len(err)) == (1, 1, 1)  # the answer was given
    assert err[0].startswith(f"adaframe: error: {tmp_path}/file/strip.png: cannot be written")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_figure_of_a_bad_file(classify: Classify, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"")

    code, out, err = classify(tmp_path / "bad.mp4", "--figure", tmp_path / "strip.png")

    assert (code, out, len(err)) == (1, [], 1)
    assert not (tmp_path / "strip.png").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--data.root", "none"], 1, "none: there is no such folder"),
        (["--data.manifest", "none.csv"], 1, "none.csv: there is no such manifest"),
        (["--data.root", "."], 1, ".: holds nothing to learn from"),
    ],
)
def test_data_that_are_not_there(
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["evaluate", "--checkpoint", str(tiny_checkpoint), "--device", "cpu", *words]) == code

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"adaframe: error: {says}")
    assert len(captured.err.splitlines()) == 1
