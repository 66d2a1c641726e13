"""The command line as a whole: help, exit codes, and errors in a line or two."""

from __future__ import annotations

import os
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest

from adaframe import __version__
from adaframe.cli.main import COMMANDS, main
from adaframe.errors import AdaframeError, DataError, UsageError

HEAVY = ["torch", "torchvision", "pytorch_lightning", "numpy", "av", "decord", "cv2", "matplotlib", "PIL"]


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """`adaframe info FILE` raises that error."""

    def describe(path: str) -> str:
        raise error

    module = types.ModuleType("adaframe.inference.describe")
    module.describe = describe  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "adaframe.inference.describe", module)


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0

    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out == f"adaframe {__version__}\n"


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage: adaframe COMMAND" in captured.err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "unknown command trian; did you mean train?"),
        (["xyzzy"], "unknown command xyzzy; known: train, classify"),
        (["--vresion"], "unknown option --vresion; did you mean --version?"),
        (["classify", "--chekpoint", "x"], "unknown option --chekpoint; did you mean --checkpoint?"),
        (["classify", "a.mp4", "--check", "x"], "unknown option --check; did you mean --checkpoint?"),
        (["train", "--trian.lr=3"], "unknown option --trian.lr; did you mean --train.lr?"),
        (["train", "rest"], "unrecognized arguments: rest"),
        (["info"], "the following arguments are required: FILE"),
        (["evaluate"], "no clips given: --data.root DIR or --data.manifest FILE"),
        (["evaluate", "--data.root", "x", "--split", "tset"], "invalid choice: 'tset'"),
        (["evaluate", "--data.root", "x", "--budget", "0.5,2"], "--budget: must be above 0 and at most 1"),
        (["bench", "--checkpoint", "a", "--config", "b"], "not allowed with argument"),
        (["bench", "--videos", "0"], "--videos: must be a whole number, 1 or more"),
        (["prepare", "figt", "--source", "a", "--out", "b.csv"], "unknown data set 'figt'; known: activitynet1.2,"),
        (["prepare", "kinetics-400", "--source", "a", "--out", "b.csv"], "did you mean kinetics400?"),
        (["prepare", "hmdb51", "--source", "a", "--out", "b.csv", "--split-number", "4"], "invalid choice: 4"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_a_few_lines(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("adaframe: error: ")
    assert message in captured.err
    assert "usage: adaframe" in captured.err
    assert len(captured.err.splitlines()) <= 8


@pytest.mark.parametrize(
    ("error", "code"), [(DataError("a: b"), 1), (UsageError("a: b"), 2), (AdaframeError("a: b"), 1)]
)
def test_an_error_that_a_user_can_mend_is_one_line(
    error: AdaframeError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(monkeypatch, error)

    assert main(["info", "x"]) == code

    assert capsys.readouterr() == ("", "adaframe: error: a: b\n")


def test_an_interruption_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    broken(monkeypatch, KeyboardInterrupt())

    assert main(["info", "x"]) == 130

    assert capsys.readouterr() == ("", "adaframe: stopped\n")


def test_a_bug_is_one_line_and_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ADAFRAME_DEBUG", raising=False)
    broken(monkeypatch, ZeroDivisionError("division\nby zero"))

    assert main(["info", "x"]) == 1

    err = capsys.readouterr().err
    assert err.startswith("adaframe: internal error: ZeroDivisionError: division by zero; set ADAFRAME_DEBUG=1")
    assert len(err.splitlines()) == 1


def test_passwords_in_addresses_are_masked_in_every_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ADAFRAME_DEBUG", raising=False)
    broken(monkeypatch, ValueError("cannot open rtsp://me:secret@host/x"))

    main(["info", "x"])

    err = capsys.readouterr().err
    assert "rtsp://me:***@host/x" in err
    assert "secret" not in err


def test_a_bug_shows_itself_in_debug_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAFRAME_DEBUG", "1")
    broken(monkeypatch, ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        main(["info", "x"])


def test_a_warning_is_one_line_without_source_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def describe(path: str) -> str:
        warnings.warn("odd\nfile", UserWarning, stacklevel=1)
        return "text"

    module = types.ModuleType("adaframe.inference.describe")
    module.describe = describe  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "adaframe.inference.describe", module)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["info", "x"]) == 0

    assert capsys.readouterr() == ("text\n", "adaframe: warning: odd file\n")


@pytest.mark.parametrize("argv", [[], *([name] for name in COMMANDS)])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import sys; from adaframe.cli.main import main; code = main(sys.argv[2:]); "
        "print('heavy:', set(sys.argv[1].split()) & set(sys.modules)); sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, " ".join(HEAVY), *argv, "--help"], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: adaframe")
    assert done.stdout.splitlines()[-1] == "heavy: set()"


@pytest.mark.slow
@pytest.mark.parametrize("argv", [[], *([name] for name in COMMANDS)])
def test_help_answers_in_half_a_second(argv: list[str]) -> None:
    seconds = []
    for _ in range(5):
        before = os.times()
        subprocess.run([sys.executable, "-m", "adaframe", *argv, "--help"], capture_output=True, check=True)
        after = os.times()
        seconds.append(sum(after[2:4]) - sum(before[2:4]))

    # Processor time, and the best of five: other programs slow single runs down, ours is no slower than its best.
    assert min(seconds) < 0.5


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run([sys.executable, "-m", "adaframe", "--help"], stdout=write, stderr=subprocess.PIPE, text=True)

    os.close(write)
    assert done.stderr == ""


def test_a_missing_configuration_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", str(tmp_path / "no.yaml")]) == 2

    err = capsys.readouterr().err
    assert err == f"adaframe: error: {tmp_path}/no.yaml: there is no such configuration file\n"
