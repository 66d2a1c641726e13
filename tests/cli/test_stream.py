"""adaframe stream: how it ends, what it prints, what it refuses (recognition is tested elsewhere)."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from adaframe.cli.main import main

PROGRAM = [sys.executable, str(Path(__file__).with_name("pretended_stream.py")), "stream", "--source", "0"]
KNOWS = "adaframe: example.safetensors knows "


def heed_signals() -> None:
    """As a terminal starts programs: what runs in the background of a shell, as tests may, ignores Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def stream(
    *words: str, pretend: str = "steady", more: Mapping[str, str] = MappingProxyType({}), **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """The command as a process; what is printed is text."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": heed_signals} | options
    environment = {**os.environ, "PRETEND": pretend, **more}
    with subprocess.Popen([*PROGRAM, *words], env=environment, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], within_s: float) -> tuple[int, str]:
    """The exit code, and the lines of stderr without the one that says what the model knows."""
    code = process.wait(within_s)
    assert process.stderr is not None
    lines = process.stderr.read().splitlines(keepends=True)
    return code, "".join(line for line in lines if not line.startswith(KNOWS))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_lines_in_order(number: int) -> None:
    with stream("--json") as process:
        assert process.stdout is not None
        before = [process.stdout.readline() for _ in range(3)]
        process.send_signal(number)
        rows = [json.loads(line) for line in [*before, *process.stdout]]

        assert ended(process, 5) == (0, "")

    assert rows[0]["label"] == "fight"
    assert rows[1] == {
        "event": "start",
        "source": "0",
        "time": "2026-01-02T03:04:05.000+00:00",
        "stream_s": 0.0,
        "label": "fight",
        "peak": 0.95,
        "unsure": False,
    }
    assert rows[-1]["event"] == "end"  # what held when it ended


def test_a_reader_that_leaves_ends_the_stream_without_an_error() -> None:
    with stream("--json") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.stdout.close()

        assert ended(process, 5) == (0, "")

    assert all(json.loads(line)["source"] == "0" for line in lines)


def test_a_reader_that_leaves_is_noticed_although_nothing_comes() -> None:
    with stream("--json", pretend="silent") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "lost"
        process.stdout.close()

        assert ended(process, 5) == (0, "")


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="this system's pipes have one size")
def test_a_reader_that_does_not_read_does_not_keep_it_from_ending() -> None:
    with stream("--json") as process:
        assert process.stdout is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        process.stdout.readline()
        time.sleep(0.5)  # 50 lines of 400 bytes: the pipe is full
        process.send_signal(signal.SIGTERM)

        assert ended(process, 5)[0] == 0


@pytest.mark.parametrize(("signals", "within_s"), [([signal.SIGTERM], 5.0), ([signal.SIGINT, signal.SIGINT], 1.5)])
def test_what_hangs_is_ended_with_its_processes(signals: list[int], within_s: float) -> None:
    with stream("--json", pretend="hung") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        child = next(int(line.split()[1]) for line in process.stderr if line.startswith("process "))
        process.stdout.readline()
        assert alive(child)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.2)

        assert ended(process, within_s) == (0, "")

    assert not alive(child)


def test_a_signal_that_is_ignored_from_the_start_stays_so() -> None:
    nohup = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    with stream("--json", **nohup) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        for _ in range(50):
            assert json.loads(process.stdout.readline())["source"] == "0"
        process.send_signal(signal.SIGTERM)
        process.stdout.close()

        assert ended(process, 5) == (0, "")


def test_for_people_events_stay_and_nothing_else_is_printed_into_a_file() -> None:
    with stream() as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)

        assert ended(process, 5) == (0, "")

    assert lines[0].endswith("  0:00  0  fight begins, 95%\n")
    assert lines[1].endswith("  0:00  0  fight begins, 95%\n")


def test_on_a_terminal_a_line_says_how_things_are() -> None:
    ours, theirs = pty.openpty()
    with stream(stdout=theirs) as process:
        os.close(theirs)
        seen = b""
        while "▂·█▂".encode() not in seen and len(seen) < 100_000:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGTERM)
        os.close(ours)  # a terminal that is closed is no error either

        assert ended(process, 5) == (0, "")

    text = seen.decode(errors="replace")
    assert "\x1b[1F\x1b[J" in text
    assert "fight 90%" in text
    assert "▂·█▂ glance    75% saved  50 ms" in text


def test_an_event_has_its_frame_kept_and_its_command_run(tmp_path: Path) -> None:
    heard, shots = tmp_path / "heard", tmp_path / "shots"
    command = f"sh -c 'cat >> {heard}'"
    with stream("--json", "--on-event", command, "--snapshots", str(shots), "--keep", "2") as process:
        assert process.stdout is not None
        while True:
            row = json.loads(process.stdout.readline())
            if row.get("stream_s", 0) >= 2.0 and "event" in row:
                break
        process.send_signal(signal.SIGTERM)

        assert ended(process, 5) == (0, "")

    rows = [json.loads(line) for line in heard.read_text().splitlines()]
    assert row in rows
    assert rows[-1]["event"] == "end" or rows[-2]["event"] == "end"
    kept = sorted(path.name for path in shots.iterdir())
    assert len(kept) == 2
    assert Path(row["snapshot"]).parent == shots
    assert kept[-1].endswith("-end-fight-0.jpg")


def test_a_service_manager_hears_that_it_runs_as_long_as_it_does(tmp_path: Path) -> None:
    heard: dict[str, list[str]] = {}
    for pretend in ("silent", "hung"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(str(tmp_path / pretend))
            environment = {"NOTIFY_SOCKET": str(tmp_path / pretend), "WATCHDOG_USEC": "1000000"}
            with stream("--json", pretend=pretend, more=environment) as process:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(1.5)
                process.send_signal(signal.SIGTERM)
                assert ended(process, 5)[0] == 0
            listening.setblocking(False)
            heard[pretend] = []
            with suppress(BlockingIOError):
                while True:
                    heard[pretend].append(listening.recv(100).decode())

    assert heard["silent"][:3] == ["READY=1\nSTATUS=watching", "WATCHDOG=1", "WATCHDOG=1"]
    assert heard["silent"][-1] == "STOPPING=1"
    assert heard["hung"] == ["STOPPING=1"]  # as it was asked to


def test_an_error_of_recognition_is_one_line_and_exit_code_1() -> None:
    with stream("--json", pretend="broken") as process:
        assert ended(process, 5) == (1, "adaframe: error: cam: is no camera\n")


def test_one_of_several_files_that_cannot_be_used_makes_the_exit_code_1() -> None:
    with stream(pretend="unusable") as process:
        code, said = ended(process, 5)
        assert process.stdout is not None
        line = process.stdout.read()

    assert (code, said) == (1, "")
    assert line.endswith("  0  cannot be used, no video\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "no source given; try: --source 0"),
        ("--source 0 --json --show", "not allowed with argument"),
        ("--source 0 --json --web 8000", "not allowed with argument"),
        ("--source 0 --budget 0.5 --latency 50", "not allowed with argument"),
        ("--source 0 --max-load 0.5 --latency 50", "not allowed with argument"),
        ("--source 0 --budget 2", "must be above 0 and at most 1"),
        ("--source 0 --max-load 0", "--max-load: must be a number above 0"),
        ("--source 0 --latency soon", "--latency: must be a number above 0"),
        ("--source 0 --max-seconds 0", "--max-seconds: must be seconds"),
        ("--source 0 --keep 3", "--keep is about snapshots"),
        ("--source 0 0", "a source is named twice"),
        ("--source 0 --fast", "--fast is for files, but 0 "),
        ("--source rtsp://cam:secret@host/x --fast", "--fast is for files, but rtsp://cam:***@host/x "),
        ("--source rtsp://cam:$NO_SUCH_VARIABLE@host/x", "NO_SUCH_VARIABLE is not set"),
        ("--source 0 --web nowhere", "--web nowhere: not [HOST:]PORT"),
        ("--source 0 --on-event no-such-program-here", "there is no program no-such-program-here"),
    ],
)
def test_what_cannot_be_is_wrong_usage(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stream", *words.split()]) == 2

    captured = capsys.readouterr()
    assert message in captured.err
    assert "secret" not in captured.err
    assert captured.out == ""
    assert len(captured.err.splitlines()) <= 4


def test_a_file_that_is_not_there_is_an_error_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stream", "--source", "no-such.mp4", "--json"]) == 1

    assert capsys.readouterr().err.startswith("adaframe: error: no-such.mp4: no such file; try: ")


def test_webcams_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("adaframe.video.webcam.list_cameras", lambda: [(0, "Front"), (12, "Back")])

    assert main(["stream", "--list"]) == 0

    assert capsys.readouterr().out == "  0  Front\n 12  Back\n"


def test_no_webcam_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("adaframe.video.webcam.list_cameras", list)

    assert main(["stream", "--list"]) == 0

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("adaframe: no webcam found")


def test_the_flags_are_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def watch(model: Any, sources: list[str], **named: Any) -> Iterator[Any]:
        seen.update(named, sources=sources)
        return iter(())

    monkeypatch.setitem(sys.modules, "adaframe.inference.recognizer", type(sys)("recognizer"))
    monkeypatch.setitem(sys.modules, "adaframe.inference.watch", type(sys)("watch"))
    sys.modules["adaframe.inference.recognizer"].load = None  # type: ignore[attr-defined]
    sys.modules["adaframe.inference.watch"].watch = watch  # type: ignore[attr-defined]
    files = [str(tmp_path / name) for name in ("a.mp4", "b.mp4")]
    for file in files:
        Path(file).write_bytes(b"")

    assert main(["stream", "--source", files[0], "--source", files[1], "--latency", "80", "--fast", "--json"]) == 0

    assert seen.pop("stop")() is True  # by now
    assert seen == {
        "sources": files,
        "budget": None,
        "max_load": None,
        "latency_ms": 80.0,
        "every_frame": True,
        "max_seconds": None,
        "cameras": None,
    }


@pytest.mark.slow
def test_a_clip_is_watched_beside_a_camera_that_is_not_there(
    render_clip: Callable[..., Path], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    clip = render_clip("watched.mp4", 2.0)
    sources = [str(clip), "rtsp://me:$CAM_PASSWORD@127.0.0.1:1/x"]
    words = ["--checkpoint", str(tiny_checkpoint), "--json", "--max-seconds", "4", "--snapshots", str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-m", "adaframe", "stream", "--source", *sources, *words],
        env={**os.environ, "CAM_PASSWORD": "sec/ret@1"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("adaframe: tiny.safetensors knows ")
    assert len(done.stderr.splitlines()) == 1
    assert not [secret for secret in ("sec/ret", "sec%2Fret") if secret in done.stdout + done.stderr]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    moments = [row for row in rows if "event" not in row]
    assert {row["source"] for row in moments} == {str(clip)}
    assert 3 <= len(moments) <= 9  # four a second
    lost = [row for row in rows if row.get("event") == "lost"]
    assert [row["source"] for row in lost] == ["rtsp://me:***@127.0.0.1:1/x"]
    assert all(Path(row["snapshot"]).is_file() for row in rows if "snapshot" in row)
