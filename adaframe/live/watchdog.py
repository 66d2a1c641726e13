"""Tells systemd that the service runs, and goes on running (sd_notify(3)): a datagram with a word to a socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class Watchdog:
    """Notifies the service manager that started the process; does nothing where there is none.

    Args:
        environment: where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID may stand.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of an abstract socket.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        expected = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # Twice as often as it must be, as sd_watchdog_enabled(3) advises.
        self._every_s = int(expected) / 2e6 if ours and expected.isdecimal() and int(expected) > 0 else 0.0
        self._last = -1.0

    def alive(self) -> None:
        """Say that something came; called as often as one likes. The first time says that the service has started."""
        now = time.monotonic()
        if self._last < 0:
            self._send("READY=1\nSTATUS=watching")
        elif not self._every_s or now - self._last < self._every_s:
            return
        self._last = now
        if self._every_s:
            self._send("WATCHDOG=1")

    def ending(self) -> None:
        """Say that the service stops because it shall."""
        self._send("STOPPING=1")

    def _send(self, words: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                notify.settimeout(1.0)
                notify.sendto(words.encode(), self._address)
        except OSError:
            self._address = ""  # whoever wanted to know is gone
