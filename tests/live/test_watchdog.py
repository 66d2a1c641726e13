"""What systemd is told."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from adaframe.live.watchdog import Watchdog


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A socket that hears what is notified, and the environment that names it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening, {"NOTIFY_SOCKET": str(tmp_path / "notify")}


def heard(listening: socket.socket) -> list[str]:
    words = []
    while True:
        try:
            words.append(listening.recv(1000).decode())
        except BlockingIOError:
            return words


def test_the_first_sign_of_life_says_that_the_service_is_ready(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    watchdog = Watchdog(environment)
    assert heard(listening) == []

    watchdog.alive()
    watchdog.alive()
    watchdog.ending()

    assert heard(listening) == ["READY=1\nSTATUS=watching", "STOPPING=1"]


def test_the_watchdog_is_told_twice_in_its_time(
    manager: tuple[socket.socket, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    listening, environment = manager
    watchdog = Watchdog(environment | {"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())})
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    watchdog.alive()
    assert heard(listening) == ["READY=1\nSTATUS=watching", "WATCHDOG=1"]
    now += 4.9
    watchdog.alive()
    assert heard(listening) == []
    now += 0.2
    watchdog.alive()
    assert heard(listening) == ["WATCHDOG=1"]


def test_the_watchdog_of_another_process_is_not_ours(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listening, environment = manager
    watchdog = Watchdog(environment | {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"})

    watchdog.alive()
    watchdog.alive()

    assert heard(listening) == ["READY=1\nSTATUS=watching"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nobody/there"}])
def test_without_a_manager_nothing_happens(environment: dict[str, str]) -> None:
    watchdog = Watchdog(environment)

    watchdog.alive()
    watchdog.ending()


def test_an_abstract_socket_is_found() -> None:
    name = f"adaframe-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")

        Watchdog({"NOTIFY_SOCKET": f"@{name}"}).ending()

        assert listening.recv(100) == b"STOPPING=1"
