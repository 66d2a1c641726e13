"""Commands for events: what they hear, and that the stream neither waits for them nor ends with them."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from adaframe.errors import UsageError
from adaframe.inference.moment import Event
from adaframe.live.commands import Commands


def start(label: str = "fight", source: str = "cam") -> Event:
    return Event("start", source, datetime(2026, 1, 2, tzinfo=timezone.utc), label=label, peak=0.9)


def test_a_command_gets_the_event_as_json_and_no_shell_sees_its_words(tmp_path: Path) -> None:
    said: list[str] = []
    commands = Commands(f"tee '{tmp_path}/$HOME; echo'", say=said.append)

    commands.run(start("$(reboot)"))
    commands.close(5)

    assert json.loads((tmp_path / "$HOME; echo").read_text()) == start("$(reboot)").to_json()
    assert said == []


def test_a_slow_command_is_killed_with_what_it_started(tmp_path: Path) -> None:
    said: list[str] = []
    script = f"(sleep 1; touch {tmp_path}/late) & sleep 1; touch {tmp_path}/late"
    commands = Commands(f"sh -c '{script}'", say=said.append, limit_s=0.2)
    began = time.monotonic()

    commands.run(start())
    returned_s = time.monotonic() - began
    commands.close(5)

    assert returned_s < 0.1
    assert said == ["warning: --on-event: sh was killed after 0.2 s (at the start of fight); later ones are counted"]
    time.sleep(1.1)
    assert not (tmp_path / "late").exists()


def test_failures_are_said_once_and_counted() -> None:
    said: list[str] = []
    commands = Commands("sh -c 'echo so >&2; echo no such host >&2; exit 7'", say=said.append)

    for _ in range(3):
        commands.run(start())
    commands.close(5)

    assert said == [
        "warning: --on-event: sh failed with exit code 7: no such host (at the start of fight); later ones are counted",
        "warning: --on-event: of 3 runs 3 failed; 0 events were left out",
    ]


def test_passwords_in_what_a_command_says_are_masked() -> None:
    said: list[str] = []
    commands = Commands("sh -c 'echo cannot reach http://me:secret@host/x >&2; exit 1'", say=said.append)

    commands.run(start())
    commands.close(5)

    assert "http://me:***@host/x" in said[0]
    assert "secret" not in said[0]


def test_of_a_flood_some_are_left_out_and_that_is_said() -> None:
    said: list[str] = []
    commands = Commands("sleep 0.05", say=said.append)

    for _ in range(100):
        commands.run(start())
    commands.close(5)

    assert 33 <= commands.ran <= 35  # 32 wait while one runs
    assert commands.ran + commands.left_out == 100
    assert said == [
        "warning: --on-event: sleep is too slow for so many events; leaving some out",
        f"warning: --on-event: of {commands.ran} runs 0 failed; {commands.left_out} events were left out",
    ]


def test_one_source_is_told_in_order_and_several_at_once(tmp_path: Path) -> None:
    program = f"line=$(cat); echo begin $line >> {tmp_path}/log; sleep 0.2; echo end $line >> {tmp_path}/log"
    commands = Commands(f"sh -c '{program}'", say=print)

    for label in ("one", "two"):
        for source in ("front", "back"):
            commands.run(start(label, source))
    commands.close(5)

    words = [line.split(" ", 1) for line in (tmp_path / "log").read_text().splitlines()]
    log = [(word, json.loads(text)["source"], json.loads(text)["label"]) for word, text in words]
    assert {entry[:2] for entry in log[:2]} == {("begin", "front"), ("begin", "back")}
    for source in ("front", "back"):
        told = [(word, label) for word, where, label in log if where == source]
        assert told == [("begin", "one"), ("end", "one"), ("begin", "two"), ("end", "two")]


def test_at_the_end_what_still_runs_is_ended(tmp_path: Path) -> None:
    said: list[str] = []
    commands = Commands(f"sh -c 'sleep 1; touch {tmp_path}/late'", say=said.append)
    for number in range(6):
        commands.run(start(source=str(number % 5)))
    began = time.monotonic()

    commands.close(0.2)

    assert time.monotonic() - began < 0.9
    assert commands.ran + commands.left_out == 6
    assert said[-1] == "warning: --on-event: of 4 runs 4 failed; 2 events were left out"
    time.sleep(1)
    assert not (tmp_path / "late").exists()


def test_a_command_that_leaves_something_running_is_over_when_it_is_over() -> None:
    said: list[str] = []
    commands = Commands("sh -c 'sleep 3 &'", say=said.append)
    began = time.monotonic()

    commands.run(start())
    commands.close(5)

    assert time.monotonic() - began < 2
    assert (commands.ran, said) == (1, [])


def test_a_command_that_says_very_much_takes_no_memory_and_no_place_in_the_message() -> None:
    said: list[str] = []
    program = "import sys; sys.stderr.write('x' * 300_000 + '\\\\nlast'); sys.exit(3)"
    commands = Commands(f'{sys.executable} -c "{program}"', say=said.append)

    commands.run(start())
    commands.close(10)

    assert said[0].endswith("failed with exit code 3: last (at the start of fight); later ones are counted")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "no command given"),
        ("echo 'open", "No closing quotation; try: quotes in pairs"),
        ("no-such-program --x", "there is no program no-such-program"),
        ("cat | logger", "run without a shell; try: --on-event \"sh -c 'cat | logger'\""),
        ("echo '$HOME' | logger", "run without a shell; try: --on-event 'sh -c '"),
        ("tee out.txt && true", "run without a shell"),
    ],
)
def test_a_command_that_cannot_run_is_wrong_usage(command: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Commands(command, say=print)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
